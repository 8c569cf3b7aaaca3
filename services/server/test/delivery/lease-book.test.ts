/** What a session was handed is removed when it was taken, stands again when it was dropped, and is not handed out twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type InboxKey, QpqError } from "quicproquo-proto";
import { type Fetched, LeaseBook, leasesPerSessionMax } from "../../src/delivery/lease-book.ts";
import type { ReadAnswer } from "../../src/store/port.ts";

const inbox = "i".repeat(32) as InboxKey;

/** An inbox of seqs 1..last, of which those up to `removed` are gone. */
class Inbox {
  last = 0n;
  removed = 0n;
  epoch = 1n;
  readonly book = new LeaseBook((_, upTo) => {
    assert.ok(upTo <= this.last, "removes nothing that isn't there");
    this.removed = upTo > this.removed ? upTo : this.removed;
  });

  constructor(messages: number) {
    this.last = BigInt(messages);
  }

  read = async (after: bigint, limit: number): Promise<ReadAnswer> => {
    const from = after > this.removed ? after : this.removed;
    const messages = [];
    for (let seq = from + 1n; seq <= this.last && messages.length < limit; seq++) {
      messages.push({ seq, payload: new Uint8Array(), enqueuedAtMs: 0, expired: false });
    }
    return { messages, gap: { kind: "none", upTo: 0n }, storeEpoch: this.epoch };
  };

  fetch(limit: number, after = 0n): Promise<Fetched> {
    return this.book.lease({ inbox, after, limit }, this.read);
  }
}

const seqs = (fetched: Fetched): number[] => fetched.messages.map((message) => Number(message.seq));

test("a fetch skips what the session holds, taken or not", async () => {
  const box = new Inbox(6);
  assert.deepEqual(seqs(await box.fetch(2)), [1, 2]);
  const second = await box.fetch(2);
  assert.deepEqual(seqs(second), [3, 4]);
  second.taken();
  assert.equal(box.removed, 0n, "1 and 2 still stand before it");
  assert.deepEqual(seqs(await box.fetch(10)), [5, 6]);
  assert.deepEqual(seqs(await box.fetch(10)), []);
});

test("a later answer's removal takes effect once the earlier one is removed", async () => {
  const box = new Inbox(4);
  const [first, second] = [await box.fetch(2), await box.fetch(2)];
  second.taken();
  assert.equal(box.removed, 0n);
  first.taken();
  assert.equal(box.removed, 4n);
});

test("a dropped answer's messages are in the next fetch, and only they", async () => {
  const box = new Inbox(6);
  const first = await box.fetch(2);
  const second = await box.fetch(2);
  second.taken();
  first.dropped();
  const again = await box.fetch(10);
  assert.deepEqual(seqs(again), [1, 2]);
  again.taken();
  assert.equal(box.removed, 4n);
  assert.deepEqual(seqs(await box.fetch(10)), [5, 6]);
});

test("taken and dropped count once, and nothing after the session's end", async () => {
  const box = new Inbox(3);
  const first = await box.fetch(1);
  first.taken();
  first.dropped();
  first.taken();
  assert.equal(box.removed, 1n);
  const second = await box.fetch(1);
  box.book.end();
  second.taken();
  assert.equal(box.removed, 1n);
});

test("messages that another session removed do not hold back a later removal", async () => {
  const box = new Inbox(6);
  const later = await box.fetch(2, 2n);
  assert.deepEqual(seqs(later), [3, 4]);
  later.taken();
  assert.equal(box.removed, 0n);
  box.removed = 2n;
  assert.deepEqual(seqs(await box.fetch(10)), [5, 6]);
  assert.equal(box.removed, 4n);
});

test("leases of an earlier store epoch are void", async () => {
  const box = new Inbox(3);
  const old = await box.fetch(3);
  box.epoch = 2n;
  assert.deepEqual(seqs(await box.fetch(3)), [1, 2, 3]);
  old.taken();
  assert.equal(box.removed, 0n);
});

test("parallel fetches of one session never hand out a message twice", async () => {
  const box = new Inbox(50);
  const answers = await Promise.all(Array.from({ length: 20 }, () => box.fetch(3)));
  const all = answers.flatMap(seqs);
  assert.deepEqual(
    all,
    Array.from({ length: 50 }, (_, i) => i + 1),
  );
});

test(`a session that takes nothing is stopped at ${leasesPerSessionMax} answers with E021_OVERLOADED`, async () => {
  const box = new Inbox(leasesPerSessionMax + 1);
  const first = await box.fetch(1);
  for (let i = 1; i < leasesPerSessionMax; i++) await box.fetch(1);
  await assert.rejects(box.fetch(1), (error) => error instanceof QpqError && error.code === "E021_OVERLOADED");
  first.taken();
  assert.deepEqual(seqs(await box.fetch(1)), [leasesPerSessionMax + 1]);
});

test("a fetch that fails leaves the next one free", async () => {
  const box = new Inbox(2);
  await assert.rejects(
    box.book.lease({ inbox, after: 0n, limit: 1 }, () => Promise.reject(new QpqError("E020_STORE_UNAVAILABLE"))),
  );
  assert.deepEqual(seqs(await box.fetch(1)), [1]);
});

test("in any order of fetching, taking and dropping, exactly the taken prefix is removed and nothing is handed out twice", async () => {
  const step = fc.record({
    act: fc.constantFrom("fetch", "take", "drop"),
    limit: fc.integer({ min: 1, max: 4 }),
    pick: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const box = new Inbox(30);
      const held: Fetched[] = [];
      const taken = new Set<number>();
      for (const { act, limit, pick } of steps) {
        if (act === "fetch") {
          const fetched = await box.fetch(limit);
          for (const seq of seqs(fetched)) {
            assert.ok(!taken.has(seq), `${seq} was taken`);
            assert.ok(!held.some((other) => seqs(other).includes(seq)), `${seq} is held`);
          }
          if (fetched.messages.length > 0) held.push(fetched);
        } else if (held.length > 0) {
          const [one] = held.splice(pick % held.length, 1) as [Fetched];
          if (act === "drop") one.dropped();
          else {
            for (const seq of seqs(one)) taken.add(seq);
            one.taken();
          }
        }
        let prefix = 0;
        while (taken.has(prefix + 1)) prefix++;
        assert.equal(Number(box.removed), prefix);
      }
    }),
    { numRuns: 300 },
  );
});
