/** Every method with every kind of caller, over real QUIC: what table.ts says of it. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { dialQuic } from "quicproquo-transport/quic";
import { newIdentity, type TestIdentity } from "../../../testing/opaque-client.ts";
import { type ServerProcess, startServerProcess } from "../../../testing/server-process.ts";
import { codeOf } from "../code-of.ts";
import { RawClient } from "../raw-client.ts";
import { RecordingRelay } from "../recording-relay.ts";
import { type Call, callable, makeCall } from "./calls.ts";
import { type Account, prepareAccounts } from "./people.ts";
import { type Row, rows } from "./table.ts";

/** Columns that are tried behind all others, in this order. */
const last = ["own", "early"];
const withVersion = ["enqueue", "fetch", "fetchWait", "peek", "ack", "batchEnqueue"];
const many = 1_000_000;
const settings = {
  "allow-sealed-sender": true,
  "login-attempts-per-minute": many,
  "login-address-attempts-per-minute": many,
  "registrations-per-hour": many,
} as const;

describe("authorization", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "qpq-authorization-"));
  const started = new AsyncDisposableStack();
  let server: ServerProcess;
  let accounts: readonly Account[];
  /** Of a connection before: with it others begin in early data. */
  let transportSession: Uint8Array;
  const somebodyElse = newIdentity();

  before(async () => {
    accounts = await prepareAccounts(
      { args: ["--data-dir", dataDir], env: {} },
      rows.map((_, i) => `person${i}`),
    );
    server = started.use(await startServerProcess({ dataDir, settings }));
    const given = Promise.withResolvers<Uint8Array>();
    using client = RawClient.on(await dial(server.port, { onSession: given.resolve }), "");
    await client.call("health", {});
    transportSession = await given.promise;
  });
  after(async () => {
    await started.disposeAsync();
    rmSync(dataDir, { recursive: true });
  });

  const dial = (port: number, more: object) =>
    dialQuic({
      host: "127.0.0.1",
      port,
      serverName: "localhost",
      alpn: ["capnp"],
      trust: { caCertificate: server.certificate },
      ...more,
    });

  type Caller = { readonly token: string | Uint8Array; readonly named: TestIdentity; readonly also?: object };

  function callerOf(column: string, account: Account): Caller {
    const { identity, device } = account;
    const own = (): Uint8Array => account.tokens.pop() ?? assert.fail("no token left");
    const ofDevice = (): Uint8Array => account.deviceTokens.pop() ?? assert.fail("no token left");
    const callers: Record<string, () => Caller> = {
      none: () => ({ token: "", named: identity }),
      unknown: () => ({ token: randomBytes(32), named: identity }),
      expired: () => ({ token: account.expired, named: identity }),
      revoked: () => ({ token: own(), named: identity }),
      own: () => ({ token: own(), named: identity }),
      "other's": () => ({ token: own(), named: somebodyElse }),
      device: () => ({ token: ofDevice(), named: device }),
      "owner's": () => ({ token: ofDevice(), named: identity }),
      static: () => ({ token: server.token, named: identity }),
      sealed: () => ({ token: account.deliveryToken, named: identity }),
    };
    return callers[column]?.() ?? assert.fail(`no caller for ${column}`);
  }

  /** "ok", or the code's first four characters. */
  async function resultOf(method: string, call: Omit<Call, "client">): Promise<string> {
    using client = await RawClient.connect(server, { token: call.token });
    const code = await codeOf(makeCall(method, { ...call, client }));
    return code === "accepted" ? "ok" : code.slice(0, 4);
  }

  /** The token ends at a moment when this front-end believes it, and has a Session open for it. */
  async function resultWhenRevoked(method: string, account: Account): Promise<string> {
    const { token, named } = callerOf("revoked", account);
    const revoke = async (): Promise<void> => {
      using client = await RawClient.connect(server, { token });
      await client.call("peek", { recipientKey: named.identityKey });
      await client.call("revokeTokens", { all: false });
    };
    const isOnSession = method.includes(".");
    if (!isOnSession) await revoke();
    return await resultOf(method, { account, token, named, also: {}, onOpened: isOnSession ? revoke : undefined });
  }

  /** Of one in the Auth, and of one in the parameters where they have one: the same, or both. */
  async function resultOfVersion(method: string, account: Account): Promise<string> {
    const { token, named } = callerOf("own", account);
    const auth = { version: 2, accessToken: token, deviceId: new Uint8Array() };
    const results = new Set<string>();
    for (const also of [{ auth }, ...(withVersion.includes(method) ? [{ version: 2 }] : [])]) {
      results.add(await resultOf(method, { account, token, named, also }));
    }
    return [...results].join();
  }

  /** Whether it is answered while the end of the handshake has not come: looked for long where it should be. */
  async function resultInEarlyData(method: string, account: Account, expected: string): Promise<string> {
    await using relay = await RecordingRelay.start(server.port, { firstFlightOnly: true });
    const { token, named } = method.startsWith("opaque") ? callerOf("none", account) : callerOf("own", account);
    using ahead = await RawClient.connect(server, { token: "" });
    using early = RawClient.on(await dial(relay.port, { session: transportSession, earlyData: true }), token);
    assert.equal(early.connection.inEarlyData, true);
    const first = early.call("health", {});
    let isAnswered = false;
    const sent = Promise.withResolvers<void>();
    const onAnswer = (): void => void (isAnswered = true);
    const call = { client: early, ahead, account, token, named, also: {} };
    const answer = makeCall(method, call, sent.resolve).then(onAnswer, onAnswer);
    await Promise.all([first, sent.promise]);
    const looks = expected === "runs" ? 2_000 : 20;
    // each of them asks the store, and the call asks no more of it
    using other = await RawClient.connect(server);
    for (let look = 0; look < looks && !isAnswered; look++) {
      await other.call("peek", { recipientKey: named.identityKey });
    }
    const result = isAnswered ? "runs" : "waits";
    relay.release();
    await answer;
    return result;
  }

  async function result({ method, expected }: Row, column: string, account: Account): Promise<string> {
    if (column === "early") return await resultInEarlyData(method, account, expected[column] ?? "");
    if (column === "revoked") return await resultWhenRevoked(method, account);
    if (column === "version") return await resultOfVersion(method, account);
    return await resultOf(method, { account, also: {}, ...callerOf(column, account) });
  }

  for (const [i, row] of rows.entries()) {
    test(row.method, async () => {
      const results: Record<string, string> = {};
      const cells = Object.entries(row.expected).filter(([, cell]) => cell !== "-");
      // who ends an account is tried when nobody needs it any more
      for (const [column] of cells.toSorted(([one], [other]) => last.indexOf(one) - last.indexOf(other))) {
        results[column] = await result(row, column, accounts[i] as Account);
      }
      assert.deepEqual(results, Object.fromEntries(cells));
    });
  }

  test("the table has every method of the contract, and no other", () => {
    const schema = readFileSync(new URL("../../../../../schemas/node.capnp", import.meta.url), "utf8");
    const inContract = [...schema.matchAll(/^interface (\w+) .*\{\n([\s\S]*?)^\}/gm)]
      // a Sink is the caller's own
      .filter(([, name]) => name !== "Sink")
      .flatMap(([, name, body = ""]) =>
        [...body.matchAll(/^ {2}(\w+) @\d+ \(/gm)].map(([, method]) =>
          name === "NodeService" ? method : `${name}.${method}`,
        ),
      );
    assert.equal(inContract.length, 37);
    assert.deepEqual(
      rows.map(({ method }) => method),
      inContract,
    );
    assert.deepEqual(callable, inContract);
  });
});
