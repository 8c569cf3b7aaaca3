/** A sender beyond its rate is told when to come back, by every way to send, and nothing of what it sent is stored. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { startServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "./raw-client.ts";
import { RawSession } from "./raw-session.ts";

const keyOf = (n: number): Uint8Array => new Uint8Array(32).fill(1).with(0, n);
const payload = Buffer.from("x");

async function retryAfterMsOf(call: Promise<unknown>): Promise<number> {
  const error = await call.then(
    () => assert.fail("it was admitted"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof QpqError, String(error));
  assert.deepEqual([error.code, error.kind], ["E018_RATE_LIMIT", "limited"]);
  return error.retryAfterMs ?? assert.fail("it does not say when to come back");
}

async function depthOf(client: RawClient, recipientKey: Uint8Array): Promise<number> {
  return (await client.call("peek", { recipientKey })).payloads.length;
}

test("more to one inbox than its burst is refused as a whole, and other inboxes take on", async () => {
  const settings = { "inbox-messages-per-second": 1, "inbox-messages-burst": 3 };
  await using server = await startServerProcess({ settings });
  using client = await RawClient.connect(server);
  using session = new RawSession(client.service, server.token);
  const [flooded, other] = [keyOf(1), keyOf(2)];
  const flood = Array.from({ length: 100 }, () => ({ recipientKey: flooded, payload }));
  const retryAfterMs = await retryAfterMsOf(session.send([{ recipientKey: other, payload }, ...flood]));
  assert.ok(retryAfterMs > 0 && retryAfterMs <= 1_000, `${retryAfterMs} ms`);
  assert.deepEqual([await depthOf(client, flooded), await depthOf(client, other)], [0, 0]);
  assert.deepEqual(await session.send([{ recipientKey: other, payload }]), [1n]);
});

test("who has sent more than its burst can send in no way for a while, and reads as before", async () => {
  const settings = { "sender-messages-per-second": 1, "sender-messages-burst": 100 };
  await using server = await startServerProcess({ settings });
  using client = await RawClient.connect(server);
  using session = new RawSession(client.service, server.token);
  // more than a bucket holds, by a full one: 900 s until the next
  const recipientKeys = Array.from({ length: 1_000 }, (_, n) =>
    keyOf(1)
      .with(1, n >> 8)
      .with(2, n & 255),
  );
  await client.call("batchEnqueue", { recipientKeys, payload });
  const recipientKey = keyOf(2);
  const bytes32 = new Uint8Array(32);
  const commit = {
    groupId: new Uint8Array(16),
    epoch: 0n,
    idempotencyKey: new Uint8Array(16).fill(1),
    epochProof: bytes32,
    nextProofHash: bytes32,
    payload,
    entries: [{ recipientKey, channelId: new Uint8Array(), payload, idempotencyKey: new Uint8Array(), ttlSecs: 0 }],
  };
  for (const call of [
    () => client.call("enqueue", { recipientKey, payload }),
    () => client.call("batchEnqueue", { recipientKeys: [recipientKey], payload }),
    () => session.send([{ recipientKey, payload }]),
    () => client.call("submitCommit", commit),
  ]) {
    assert.ok((await retryAfterMsOf(call())) > 1_000);
  }
  assert.deepEqual([await depthOf(client, recipientKey), await depthOf(client, keyOf(1))], [0, 1]);
});
