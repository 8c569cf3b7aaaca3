/** Calls of every method to a server that is watched: what goes there and comes back is remembered as secret. */
import { randomBytes } from "node:crypto";
import type { TestIdentity } from "../../testing/opaque-client.ts";
import type { ServerProcess } from "../../testing/server-process.ts";
import { callable, makeCall } from "./authorization/calls.ts";
import type { Account } from "./authorization/people.ts";
import { Canaries } from "./canaries.ts";
import { login, newPerson, register } from "./people.ts";
import { type MethodName, RawClient } from "./raw-client.ts";

/** Of a name, in a minute. */
export const loginAttempts = 10;

type Params = Readonly<Record<string, unknown>>;

/** What goes to a server and comes back, all of it secret but for the codes; errors are kept to be read. */
export class Watched {
  readonly canaries = new Canaries();
  readonly errors: string[] = [];
  /** The last ones of each method. */
  readonly sent = new Map<string, Params>();

  async connect(server: ServerProcess, token: string | Uint8Array): Promise<RawClient> {
    const client = await RawClient.connect(server, { token });
    const call = client.call.bind(client);
    client.call = async (name, params, callSettings) => {
      this.sent.set(name, params);
      this.canaries.addAll(name, params);
      const results = await call(name, params, callSettings);
      this.canaries.addAll(name, results);
      return results;
    };
    return client;
  }

  async try(call: PromiseLike<unknown>): Promise<void> {
    await call.then(undefined, (error: unknown) => this.errors.push(String(error)));
  }

  /** What there is to be read of it, but for its log. */
  async read({ words, opsPort }: ServerProcess): Promise<string> {
    const metrics = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
    return [words, metrics, ...this.errors].join("\n");
  }
}

/** Each method, by who may call it and by who may not, and with each of its fields of bytes or text spoilt. */
export async function callEverything(
  server: ServerProcess,
  watched: Watched,
  accounts: readonly Account[],
): Promise<void> {
  const { canaries } = watched;
  for (const [i, method] of callable.entries()) {
    const account = accounts[i] as Account;
    canaries.addAll(`account of ${method}`, account);
    const { identity, device, tokens, deviceTokens } = account;
    const callers: readonly (readonly [token: string | Uint8Array, named: TestIdentity])[] = [
      ["", identity],
      [randomBytes(32), identity],
      [randomBytes(20).toString("hex"), identity],
      [tokens[0] as Uint8Array, newPerson("").identity],
      [deviceTokens[0] as Uint8Array, device],
      [account.deliveryToken, identity],
      [server.token, identity],
      [tokens[1] as Uint8Array, identity],
    ];
    for (const [token, named] of callers) {
      canaries.add(`token for ${method}`, token);
      canaries.add(`key for ${method}`, named.identityKey);
      using client = await watched.connect(server, token);
      await watched.try(makeCall(method, { client, token, named, account, also: {} }));
    }
    using client = await watched.connect(server, tokens[2] as Uint8Array);
    for (const [field, value] of Object.entries(watched.sent.get(method) ?? {})) {
      const spoilt = value instanceof Uint8Array ? randomBytes(33) : `${randomBytes(8).toString("hex")} !`;
      if (typeof value !== "string" && !(value instanceof Uint8Array)) continue;
      canaries.add(`spoilt ${field} of ${method}`, spoilt);
      const params = { ...watched.sent.get(method), [field]: spoilt };
      await watched.try(client.call(method as MethodName, params as never));
    }
  }
}

/** A person comes, goes, and comes back with a wrong password until it is too often. */
export async function logIn(server: ServerProcess, watched: Watched): Promise<void> {
  const person = newPerson(`canary.${randomBytes(8).toString("hex")}`, randomBytes(16).toString("hex"));
  watched.canaries.add("username", person.username);
  watched.canaries.add("password", person.password);
  using client = await watched.connect(server, "");
  await register(client, person);
  const token = await login(client, person);
  using withToken = await watched.connect(server, token);
  await withToken.call("renewToken", {});
  await withToken.call("revokeTokens", { all: true });
  await watched.try(withToken.call("renewToken", {}));
  for (let n = 0; n < 2 * loginAttempts; n++) await watched.try(login(client, { ...person, password: "wrong" }));
}
