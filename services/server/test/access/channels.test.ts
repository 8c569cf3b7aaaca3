/** Channels over the store in memory: one a pair, members that are kept for a while, and what making them costs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, type LimitName, QpqError } from "quicproquo-proto";
import { Channels } from "../../src/access/channels.ts";
import { LocalRates } from "../../src/store/local-rates.ts";
import type { ChannelStore } from "../../src/store/port.ts";
import { keyOf, limits as defaultLimits, memoryStore, putAccount } from "./accounts.ts";

const isCode =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    error instanceof QpqError && error.code === code;

/** Who acts for a key; for a device of `account` where that is another. */
const by = (n: number, account = n) => ({ identity: keyOf(account), actsFor: keyOf(n) });

/** `looks`: how often the store was asked for members. */
class Place {
  nowMs = 1_700_000_000_000;
  looks = 0;
  /** The store answers when it is opened. */
  gate: Promise<void> = Promise.resolve();
  readonly clock = (): number => this.nowMs;
  readonly store = memoryStore(this.clock);
  readonly channels: Channels;

  constructor(settings: { limits?: Partial<Record<LimitName, number>>; knownMax?: number } = {}) {
    const { channels } = this.store;
    const store: ChannelStore = {
      createChannel: (request) => channels.createChannel(request),
      membersOf: async (channelId) => {
        this.looks++;
        await this.gate;
        return await channels.membersOf(channelId);
      },
    };
    this.channels = new Channels({
      store,
      rates: new LocalRates(this.clock),
      limits: { ...defaultLimits, ...settings.limits },
      now: this.clock,
      ...(settings.knownMax === undefined ? {} : { knownMax: settings.knownMax }),
    });
  }
}

test("a pair has one channel, whichever of them asks and however often, and its members are these two", async () => {
  const { channels } = new Place();
  const made = await channels.create(by(2), keyOf(1));
  assert.deepEqual([made.channelId.length, made.wasNew], [16, true]);
  const again = await channels.create(by(1), keyOf(2));
  assert.deepEqual([Buffer.compare(again.channelId, made.channelId), again.wasNew], [0, false]);
  assert.deepEqual(await channels.membersOf(made.channelId), [keyOf(1), keyOf(2)]);
  const other = await channels.create(by(1), keyOf(3));
  assert.notEqual(Buffer.compare(other.channelId, made.channelId), 0);
});

test("there is no channel with oneself, with the key of zeros, or with a key of another length", async () => {
  const { channels } = new Place();
  await assert.rejects(channels.create(by(1), keyOf(1)), isCode("E001_BAD_REQUEST"));
  await assert.rejects(channels.create(by(1), new Uint8Array(32)), isCode("E001_BAD_REQUEST"));
  for (const bytes of [0, 31, 33]) {
    await assert.rejects(channels.create(by(1), new Uint8Array(bytes)), isCode("E007_KEY_LENGTH"));
  }
});

test("an account that asks for more channels than its limit, by whatever device, is told when to come back, others are not", async () => {
  const place = new Place({ limits: { channelsPerHour: 2 } });
  await place.channels.create(by(1), keyOf(2));
  await place.channels.create(by(7, 1), keyOf(2));
  const refusal = await place.channels.create(by(1), keyOf(4)).catch((error: unknown) => error);
  assert.ok(isCode("E018_RATE_LIMIT")(refusal));
  assert.equal((refusal as QpqError).retryAfterMs, 1_800_000);
  await place.channels.create(by(2), keyOf(4));
  place.nowMs += 1_800_000;
  await place.channels.create(by(1), keyOf(4));
});

test("members are asked for once a minute, and the end of a channel is seen within it; where it is told of, at once", async () => {
  const place = new Place();
  const { channels, store } = place;
  const identity = await putAccount(store, 1);
  const { channelId } = await channels.create(by(1), keyOf(2));
  for (let n = 0; n < 3; n++) await channels.membersOf(channelId);
  assert.equal(place.looks, 1);
  await store.accounts.deleteAccount(identity);
  place.nowMs += 59_999;
  await channels.membersOf(channelId);
  assert.equal(place.looks, 1);
  place.nowMs += 1;
  await assert.rejects(async () => channels.membersOf(channelId), isCode("E023_CHANNEL_NOT_FOUND"));
  const again = await channels.create(by(1), keyOf(2));
  await channels.membersOf(again.channelId);
  await store.accounts.deleteAccount(identity);
  channels.forget(identity);
  await assert.rejects(async () => channels.membersOf(again.channelId), isCode("E023_CHANNEL_NOT_FOUND"));
});

test("an answer that was under way when a channel ended is not kept", async () => {
  const place = new Place();
  const { channels, store } = place;
  const identity = await putAccount(store, 1);
  const { channelId } = await channels.create(by(1), keyOf(2));
  const { membersOf } = store.channels;
  const opened = Promise.withResolvers<void>();
  store.channels.membersOf = async (id) => {
    const members = await membersOf(id);
    await opened.promise;
    return members;
  };
  const asked = channels.membersOf(channelId);
  // it has been looked for by now
  await membersOf(channelId);
  await store.accounts.deleteAccount(identity);
  channels.forget(identity);
  opened.resolve();
  await asked;
  await assert.rejects(async () => channels.membersOf(channelId), isCode("E023_CHANNEL_NOT_FOUND"));
});

test("a channel made after it was looked for is found: that there is none is not kept", async () => {
  const { channels, store } = new Place();
  const newId = new Uint8Array(16).fill(9);
  await assert.rejects(async () => channels.membersOf(newId), isCode("E023_CHANNEL_NOT_FOUND"));
  await store.channels.createChannel({ a: keyOf(1), b: keyOf(2), newId });
  assert.deepEqual(await channels.membersOf(newId), [keyOf(1), keyOf(2)]);
});

test("who asks for a channel that is being looked for waits for the same look, so that calls keep their order", async () => {
  const place = new Place();
  const { channelId } = await place.channels.create(by(1), keyOf(2));
  const opened = Promise.withResolvers<void>();
  place.gate = opened.promise;
  const order: number[] = [];
  const waits = [0, 1, 2].map(async (n) => {
    await place.channels.membersOf(channelId);
    order.push(n);
  });
  opened.resolve();
  await Promise.all(waits);
  assert.deepEqual([place.looks, order], [1, [0, 1, 2]]);
});

test("of more channels than are kept those go first that were asked for longest ago", async () => {
  const place = new Place({ knownMax: 2 });
  const { channels } = place;
  const ids = [];
  for (const peer of [2, 3, 4]) ids.push((await channels.create(by(1), keyOf(peer))).channelId);
  for (const id of ids) await channels.membersOf(id);
  assert.equal(place.looks, 3);
  for (const id of ids.slice(1)) await channels.membersOf(id);
  assert.equal(place.looks, 3);
  await channels.membersOf(ids[0] as Uint8Array);
  assert.equal(place.looks, 4);
});
