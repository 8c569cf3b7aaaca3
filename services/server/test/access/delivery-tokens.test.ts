/** Sealed senders: the recipient's delivery token lets in who shows it, for as long as it is published. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import type { QpqError } from "quicproquo-proto";
import { DeliveryTokens, type DeliveryTokensParts } from "../../src/access/delivery-tokens.ts";
import { keyOf, memoryStore } from "./accounts.ts";

const [alice, bob] = [keyOf(1), keyOf(2)];
const [token, other] = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(8)];
const hashOf = (bytes: Uint8Array): Uint8Array => hash("sha256", bytes, "buffer");

function start(parts: Partial<DeliveryTokensParts> = {}) {
  const world = { nowMs: 0, asked: 0, held: undefined as Promise<void> | undefined };
  const { accounts } = memoryStore(() => world.nowMs);
  const deliveryTokenOf = async (identity: typeof alice) => {
    world.asked++;
    const found = await accounts.deliveryTokenOf(identity);
    await world.held;
    return found;
  };
  const putDeliveryToken = (request: Parameters<typeof accounts.putDeliveryToken>[0]) =>
    accounts.putDeliveryToken(request);
  const newTokens = () =>
    new DeliveryTokens({ store: { deliveryTokenOf, putDeliveryToken }, now: () => world.nowMs, ...parts });
  return Object.assign(world, { tokens: newTokens(), newTokens });
}

test("who shows the recipient's token is let in as nobody, all of them as one sender, and not with another's", async () => {
  const { tokens } = start();
  await tokens.publish(alice, hashOf(token));
  const sealed = await tokens.find(token, alice);
  assert.deepEqual(sealed, {
    kind: "sealed",
    sender: Uint8Array.from(hashOf(token)),
    account: undefined,
    actsFor: undefined,
    tokenHash: undefined,
    expiresAtMs: undefined,
  });
  assert.equal(tokens.findKnown(token, alice), sealed, "the same object: limits keep by it what they know");
  for (const [shown, recipient] of [
    [other, alice],
    [token, bob],
    [hashOf(token), alice],
    [new Uint8Array(0), alice],
  ] as const) {
    assert.equal(await tokens.find(shown, recipient), undefined);
    assert.equal(tokens.findKnown(shown, recipient), undefined);
  }
});

test("another token takes the place of the one before at once there, and within 5 s at other front-ends; so does none", async () => {
  const world = start();
  const { tokens, newTokens } = world;
  const elsewhere = newTokens();
  await tokens.publish(alice, hashOf(token));
  assert.ok(await elsewhere.find(token, alice));
  await tokens.publish(alice, hashOf(other));
  assert.deepEqual([await tokens.find(token, alice), (await tokens.find(other, alice))?.kind], [undefined, "sealed"]);
  world.nowMs = 4_999;
  assert.ok(await elsewhere.find(token, alice));
  world.nowMs = 5_000;
  assert.equal(elsewhere.findKnown(token, alice), undefined);
  assert.equal(await elsewhere.find(token, alice), undefined);
  await tokens.publish(alice, new Uint8Array());
  assert.equal(await tokens.find(other, alice), undefined);
  const [shorter, longer] = [hashOf(token).subarray(1), new Uint8Array(33)];
  for (const wrong of [shorter, longer]) {
    await assert.rejects(tokens.publish(alice, wrong), (error) => (error as QpqError).code === "E001_BAD_REQUEST");
  }
});

test("an answer that was asked for before a change does not undo it; calls for one recipient ask once", async () => {
  const world = start();
  await world.tokens.publish(alice, hashOf(token));
  const at = world.newTokens();
  const gate = Promise.withResolvers<void>();
  world.held = gate.promise;
  const before = [at.find(token, alice), at.find(token, alice), at.find(other, alice)];
  await new Promise(setImmediate);
  world.nowMs = 1;
  await at.publish(alice, hashOf(other));
  gate.resolve();
  assert.deepEqual(
    (await Promise.all(before)).map((sealed) => sealed?.kind),
    [undefined, undefined, "sealed"],
  );
  assert.equal(world.asked, 1);
  assert.equal(at.findKnown(token, alice), undefined);
});

test("recipients that somebody makes up leave a bounded memory", async () => {
  const world = start({ knownMax: 10 });
  for (let n = 1; n <= 50; n++) await world.tokens.find(token, keyOf(n));
  assert.equal(world.asked, 50);
  await world.tokens.find(token, keyOf(50));
  assert.equal(world.asked, 50);
  await world.tokens.find(token, keyOf(40));
  assert.equal(world.asked, 51, "forgotten, so asked for again");
});
