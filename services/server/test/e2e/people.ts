/** People who register and log in at a real server. */
import { newIdentity, type TestIdentity, TestLogin, TestRegistration } from "../../testing/opaque-client.ts";
import type { ServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "./raw-client.ts";

export type Person = { readonly username: string; readonly password: string; readonly identity: TestIdentity };

export function newPerson(username: string, password = "correct horse"): Person {
  return { username, password, identity: newIdentity() };
}

export async function register(client: RawClient, { username, password, identity }: Person): Promise<void> {
  const registration = new TestRegistration(password);
  const { response } = await client.call("opaqueRegisterStart", { username, request: registration.request });
  const finish = registration.finish(username, response, identity);
  await client.call("opaqueRegisterFinish", { username, ...finish });
}

/** The session token. `finishAt`: where the second half goes. */
export async function login(client: RawClient, person: Person, finishAt = client): Promise<Uint8Array> {
  const { username, password, identity } = person;
  const login = new TestLogin(password);
  const { response, loginId } = await client.call("opaqueLoginStart", { username, request: login.request });
  const finish = login.finish(username, response, identity);
  if (finish === undefined) throw new Error("another password");
  const { sessionToken } = await finishAt.call("opaqueLoginFinish", { username, loginId, ...finish });
  return Uint8Array.from(sessionToken);
}

/** Registered and logged in. */
export async function arrive(
  server: ServerProcess,
  username: string,
): Promise<Person & { readonly token: Uint8Array }> {
  const person = newPerson(username);
  using client = await RawClient.connect(server, { token: "" });
  await register(client, person);
  return { ...person, token: await login(client, person) };
}
