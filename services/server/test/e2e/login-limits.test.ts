/** Who tries the passwords of one account gets a few answers, and its owner gets in from elsewhere meanwhile (docs/wire.md, Login). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { TestLogin } from "../../testing/opaque-client.ts";
import { login, newPerson, register } from "./people.ts";
import { RawClient } from "./raw-client.ts";
import { RecordingRelay } from "./recording-relay.ts";
import { stores } from "./stores.ts";

const tries = 200;
const burst = 10;
/** Between two that are let in, after the burst. */
const everyMs = 6_000;

for (const { name, start } of stores) {
  test(`over ${name} 200 wrong passwords from one address get some ten answers, and the owner logs in from another at once`, async () => {
    await using server = await start();
    using owner = await RawClient.connect(server, { token: "" });
    const alice = newPerson("alice");
    await register(owner, alice);
    await using elsewhere = await RecordingRelay.start(server.port, { clientHost: "127.0.7.7" });
    using thief = await RawClient.connect(server, { token: "", port: elsewhere.port });
    const beganMs = performance.now();
    const refusals: QpqError[] = [];
    for (let n = 0; n < tries; n++) {
      const attempt = new TestLogin(`guess ${n}`);
      const { username } = alice;
      try {
        const { response } = await thief.call("opaqueLoginStart", { username, request: attempt.request });
        assert.equal(attempt.finish(username, response, alice.identity), undefined, "the password is another");
      } catch (error) {
        assert.ok(error instanceof QpqError, String(error));
        refusals.push(error);
      }
    }
    const answered = tries - refusals.length;
    const answeredMax = burst + Math.ceil((performance.now() - beganMs) / everyMs);
    assert.ok(answered >= burst && answered <= answeredMax, `${answered} answered, at most ${answeredMax}`);
    for (const { code, retryAfterMs = 0 } of refusals) {
      assert.equal(code, "E018_RATE_LIMIT");
      assert.ok(retryAfterMs > 0 && retryAfterMs <= 60_000, `even there it is over in ${retryAfterMs} ms`);
    }
    assert.equal((await login(owner, alice)).length, 32, "not refused, not told to wait");
    const again = new TestLogin("guess");
    await assert.rejects(
      (async () => {
        for (let n = 0; n < burst; n++) {
          await thief.call("opaqueLoginStart", { username: alice.username, request: again.request });
        }
      })(),
      (error: unknown) => error instanceof QpqError && error.code === "E018_RATE_LIMIT",
      "while the other address is still held off",
    );
  });
}
