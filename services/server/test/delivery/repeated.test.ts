/** What is sent again wakes its reader: the front-end that stored it may have ended between the commit and the hint. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChannelId, type IdempotencyKey, type IdentityKey, inboxKeyOf } from "quicproquo-proto";
import { loadConfig } from "../../src/config.ts";
import { createDomains } from "../../src/domains.ts";
import { createMemoryStore } from "../../src/store/index.ts";
import { testOpaqueSetup } from "../../testing/opaque-setup.ts";
import { defaultLimits, startMs } from "../conformance/subject.ts";

const channelId = new Uint8Array(0) as ChannelId;
const recipientKey = new Uint8Array(32).fill(7) as IdentityKey;
const idempotencyKey = new Uint8Array(16).fill(1) as IdempotencyKey;
const sender = { key: new Uint8Array(32), account: undefined, network: "here" };
const letter = { sender, channelId, payload: Buffer.from("x"), ttlSecs: 0, idempotencyKey };

/** Sends twice; answers how often the reader was told. */
async function hintsOf(send: (domains: ReturnType<typeof createDomains>) => Promise<unknown>): Promise<number> {
  const clock = (): number => startMs;
  const store = createMemoryStore({ limits: defaultLimits, clock });
  const domains = createDomains(store, { ...loadConfig({ args: [], env: {} }), opaqueSetup: testOpaqueSetup }, clock);
  let hints = 0;
  store.wakeups.subscribe(inboxKeyOf(recipientKey, channelId), { onHint: () => hints++ });
  assert.deepEqual(await send(domains), await send(domains), "the same message");
  await store.close();
  return hints;
}

test("a repeated enqueue, batchEnqueue or submitCommit wakes the reader each time", async () => {
  assert.equal(await hintsOf(({ delivery }) => delivery.enqueue(recipientKey, letter)), 2);
  assert.equal(await hintsOf(({ delivery }) => delivery.batchEnqueue([recipientKey], letter)), 2);
  const commit = {
    sender: letter.sender,
    groupId: new Uint8Array(16),
    epoch: 0n,
    idempotencyKey,
    epochProof: new Uint8Array(0),
    nextProofHash: new Uint8Array(32),
    entries: [{ recipientKey, letter: { ...letter, idempotencyKey: undefined } }],
    payload: new Uint8Array(0),
  };
  assert.equal(await hintsOf(({ commits }) => commits.submit(commit)), 2);
});
