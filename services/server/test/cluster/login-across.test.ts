/** Nothing of a login is kept at the front-end where it began: it ends at another one when that is gone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestLogin, TestRegistration } from "../../testing/opaque-client.ts";
import { sharedPostgres } from "../../testing/postgres.ts";
import { RedisProcess } from "../../testing/redis.ts";
import { startServerProcess } from "../../testing/server-process.ts";
import { codeOf } from "../e2e/code-of.ts";
import { login, newPerson } from "../e2e/people.ts";
import { RawClient } from "../e2e/raw-client.ts";

test("a registration and a login that one front-end began are finished at another when the first was killed", async () => {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  await using redis = await RedisProcess.start();
  const start = () => startServerProcess({ cluster: { databaseUrl, redisUrl: redis.url } });
  await using b = await start();
  using atB = await RawClient.connect(b, { token: "" });
  const { username, password, identity } = newPerson("alice");

  const registration = new TestRegistration(password);
  await using a1 = await start();
  using atA1 = await RawClient.connect(a1, { token: "" });
  const registering = await atA1.call("opaqueRegisterStart", { username, request: registration.request });
  await a1.kill("SIGKILL");
  const upload = registration.finish(username, registering.response, identity);
  assert.equal((await atB.call("opaqueRegisterFinish", { username, ...upload })).success, true);

  const begun = new TestLogin(password);
  await using a2 = await start();
  using atA2 = await RawClient.connect(a2, { token: "" });
  // of a login that ended there nothing is lost with it either
  const early = await login(atA2, { username, password, identity });
  const { response, loginId } = await atA2.call("opaqueLoginStart", { username, request: begun.request });
  await a2.kill("SIGKILL");
  const finish = begun.finish(username, response, identity);
  assert.ok(finish !== undefined);
  const { sessionToken } = await atB.call("opaqueLoginFinish", { username, loginId, ...finish });

  for (const token of [early, Uint8Array.from(sessionToken)]) {
    using client = await RawClient.connect(b, { token });
    assert.equal(await codeOf(client.call("peek", { recipientKey: identity.identityKey })), "accepted");
  }
});
