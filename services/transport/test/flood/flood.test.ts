/**
 * Floods as fast as one process can send, each of two seconds, against a server process with 20 honest sessions. None of
 * them is lost, each is answered all the time, nothing of the flood stays in memory. measure.ts runs longer ones.
 */
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { dial, trusted } from "../quic-pair.ts";
import { ServerChild } from "../server-child.ts";
import { roundTrip } from "../stream-io.ts";
import { HonestCrowd } from "./honest-crowd.ts";
import { describe, Flooder, type FloodKind, floodKinds } from "./run-flood.ts";

const seconds = 2;
const sessions = 20;
const answerMsMax = 5_000;
/** Of one flood. What it leaves is garbage of the young generation and the half-open connections of a cap. */
const growthBytesMax = 64 * 2 ** 20;

const flooder = await Flooder.build();
const server = await ServerChild.start(trusted);
const crowd = await HonestCrowd.connect(server.port, sessions);

after(async () => {
  crowd[Symbol.dispose]();
  await server.kill();
  await flooder[Symbol.asyncDispose]();
});

for (const [kind, doc] of Object.entries(floodKinds)) {
  it(`loses no session and answers each in a flood of ${doc}`, { timeout: 60_000 }, async (test) => {
    const result = await flooder.flood({ server, crowd }, { kind: kind as FloodKind, seconds });
    test.diagnostic(describe(result));
    assert.ok(server.isAlive, "the server has ended");
    assert.deepEqual(crowd.lost, []);
    assert.deepEqual(result.after.faults, []);
    assert.ok(Math.min(...result.answers) > 0, "a session had no answer while the flood went on");
    assert.ok(result.worstMs < answerMsMax, `a session waited for ${result.worstMs} ms`);
    assert.ok(result.after.residentBytes - result.before.residentBytes < growthBytesMax, "it stays in memory");
    assert.equal(await roundTrip(await dial(test, server), "newcomer"), "newcomer");
  });
}
