/** Who is blocked is told from what the store said at most 5 s ago, in the order of the calls, within bounds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChannelId, inboxKeyOf, QpqError } from "quicproquo-proto";
import { BlockLists, type BlockListsParts } from "../../src/access/block-lists.ts";
import type { BlockPair } from "../../src/store/port.ts";
import { keyOf, memoryStore, putAccount, putDevice } from "./accounts.ts";

const [alice, bob, carol] = [keyOf(1), keyOf(2), keyOf(3)];
const fromBob = { key: bob, account: bob };
const channelId = new Uint8Array(16) as ChannelId;
const to = (...keys: readonly Uint8Array[]) => keys.map((key) => ({ inbox: inboxKeyOf(key as never, channelId) }));

/** A front-end over a store whose answers a test can hold back. */
function start(parts: Partial<BlockListsParts> = {}) {
  const world = {
    nowMs: 0,
    asked: [] as number[],
    held: undefined as Promise<void> | undefined,
  };
  const store = memoryStore(() => world.nowMs);
  const { accounts } = store;
  const areBlocked = async (pairs: readonly BlockPair[]): Promise<readonly boolean[]> => {
    world.asked.push(pairs.length);
    const blocked = await accounts.areBlocked(pairs);
    await world.held;
    return blocked;
  };
  const setBlocked = (request: Parameters<typeof accounts.setBlocked>[0]) => accounts.setBlocked(request);
  const rest = { limits: { blocksMax: 3 }, now: () => world.nowMs, ...parts };
  const newLists = () => new BlockLists({ store: { areBlocked, setBlocked }, ...rest });
  const blockElsewhere = (sender = bob, blocked = true) =>
    accounts.setBlocked({ owner: alice, sender, blocked, blocksMax: 3 });
  return Object.assign(world, { store, lists: newLists(), newLists, blockElsewhere });
}

const code = (expected: string) => (error: unknown) => error instanceof QpqError && error.code === expected;
const turns = (): Promise<unknown> => new Promise(setImmediate);

test("what one front-end blocks holds there at once, and within 5 s at the others, whose callers wait once", async () => {
  const world = start();
  const other = world.newLists();
  assert.equal(await other.find(fromBob, to(alice)), undefined);
  await world.lists.set(alice, bob, true);
  const both = world.lists.find(fromBob, to(alice, carol));
  assert.ok(both instanceof Promise, "carol is not known");
  assert.deepEqual(await both, [true, false]);
  world.nowMs = 2_499;
  assert.equal(other.find(fromBob, to(alice)), undefined);
  await turns();
  assert.deepEqual(world.asked, [1, 2]);
  world.nowMs = 2_500;
  assert.equal(other.find(fromBob, to(alice)), undefined, "the store is asked beside it");
  await turns();
  assert.deepEqual(other.find(fromBob, to(alice)), [true]);
  assert.deepEqual(world.asked, [1, 2, 1]);
  await world.lists.set(alice, bob, false);
  world.nowMs = 7_500;
  assert.equal(await other.find(fromBob, to(alice)), undefined, "not believed any more, so it waits for the store");
});

test("an answer that was asked for before a change does not undo it", async () => {
  const world = start();
  const gate = Promise.withResolvers<void>();
  world.held = gate.promise;
  const before = world.lists.find(fromBob, to(alice));
  await turns();
  world.nowMs = 1;
  await world.lists.set(alice, bob, true);
  gate.resolve();
  assert.equal(await before, undefined);
  assert.deepEqual(world.lists.find(fromBob, to(alice)), [true]);
});

test("what a sender sends behind something that waits waits too, and others don't", async () => {
  const world = start();
  await world.lists.find(fromBob, to(alice));
  await world.lists.find({ key: carol, account: carol }, to(alice));
  const gate = Promise.withResolvers<void>();
  world.held = gate.promise;
  const order: string[] = [];
  const note = (name: string, found: unknown) => Promise.resolve(found).then(() => void order.push(name));
  const first = note("unknown", world.lists.find(fromBob, to(alice, carol)));
  const second = note("known", world.lists.find(fromBob, to(alice)));
  assert.equal(world.lists.find({ key: carol, account: carol }, to(alice)), undefined);
  await turns();
  assert.deepEqual(order, []);
  gate.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(order, ["unknown", "known"]);
});

test("who blocks an account blocks its devices, and who blocks a device only that; the owner's devices take part", async () => {
  const world = start();
  for (const n of [1, 2]) await putAccount(world.store, n);
  const phone = await putDevice(world.store, bob, 20);
  const tablet = await putDevice(world.store, alice, 10);
  const fromPhone = { key: phone, account: bob };
  await world.lists.set(alice, phone, true);
  assert.deepEqual(await world.lists.find(fromPhone, to(alice, tablet, carol)), [true, true, false]);
  assert.equal(await world.lists.find(fromBob, to(alice, tablet)), undefined);
  await world.lists.set(alice, bob, true);
  await world.lists.set(alice, phone, false);
  world.nowMs = 5_000;
  assert.deepEqual(await world.lists.find(fromPhone, to(carol, tablet, alice)), [false, true, true]);
  assert.deepEqual(await world.lists.find(fromBob, to(tablet)), [true]);
});

test("the static token and who doesn't say who it is cannot be blocked, and the store is not asked for them", async () => {
  const world = start();
  assert.equal(world.lists.find({ key: new Uint8Array(32), account: undefined }, to(alice)), undefined);
  assert.deepEqual(world.asked, []);
  await assert.rejects(world.lists.set(alice, keyOf(0), true), code("E001_BAD_REQUEST"));
  await assert.rejects(world.lists.set(alice, alice, true), code("E001_BAD_REQUEST"));
});

test("a full list takes no further sender before one is taken off it", async () => {
  const { lists } = start();
  for (const n of [11, 12, 13, 13]) await lists.set(alice, keyOf(n), true);
  await assert.rejects(lists.set(alice, keyOf(14), true), code("E072_BLOCK_LIST_FULL"));
  await lists.set(alice, keyOf(11), false);
  await lists.set(alice, keyOf(14), true);
});

test("a flood of pairs waits in a bounded queue, is asked for a thousand at a time, and leaves a bounded memory", async () => {
  const world = start({ knownMax: 100, waitingMax: 5_000 });
  const gate = Promise.withResolvers<void>();
  world.held = gate.promise;
  const recipients = to(...Array.from({ length: 100 }, (_, n) => keyOf(n)));
  const flood = Array.from({ length: 100 }, (_, n) => {
    const key = Uint8Array.from(bob).fill(n, 16);
    return world.lists.find({ key, account: key as typeof bob }, recipients);
  });
  const settled = Promise.allSettled(flood);
  await turns();
  gate.resolve();
  const refused = (await settled).filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
  assert.equal(refused.length, 49, "51 calls of 100 pairs: one query is under way, and 5,000 pairs wait");
  assert.ok(refused.every(({ reason }) => code("E021_OVERLOADED")(reason) && reason.retryAfterMs > 0));
  assert.ok(world.asked.every((pairs) => pairs <= 1_000));
  const before = world.asked.length;
  assert.ok(world.lists.find(fromBob, recipients.slice(0, 1)) instanceof Promise);
  await turns();
  assert.equal(world.asked.length, before + 1, "what was asked for first is forgotten");
});

test("a store that does not answer refuses those who wait, and the next one asks it again", async () => {
  let isAway = true;
  const areBlocked = async (pairs: readonly BlockPair[]): Promise<boolean[]> => {
    if (isAway) throw new QpqError("E020_STORE_UNAVAILABLE");
    return pairs.map(() => true);
  };
  const store = { areBlocked, setBlocked: async () => true };
  let nowMs = 0;
  const lists = new BlockLists({ store, limits: { blocksMax: 1 }, now: () => nowMs });
  await assert.rejects(Promise.resolve(lists.find(fromBob, to(alice))), code("E020_STORE_UNAVAILABLE"));
  isAway = false;
  assert.deepEqual(await lists.find(fromBob, to(alice)), [true]);
  isAway = true;
  nowMs = 3_000;
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(lists.find(fromBob, to(alice)), [true], "believed while the store is away");
    await turns();
  }
  nowMs = 5_000;
  await assert.rejects(Promise.resolve(lists.find(fromBob, to(alice))), code("E020_STORE_UNAVAILABLE"));
});
