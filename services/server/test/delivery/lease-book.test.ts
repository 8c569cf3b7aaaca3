/** What a session was handed is removed when it was taken, stands again when it was dropped, and is not handed out twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type InboxKey, QpqError } from "quicproquo-proto";
import { type Fetched, LeaseBook, leasesPerSessionMax } from "../../src/delivery/lease-book.ts";
import type { Gap, ReadAnswer } from "../../src/store/port.ts";

const inbox = "i".repeat(32) as InboxKey;

const here = { isGone: false };

/** An inbox of seqs 1..last, of which those up to `removed` are gone and a few were lost, as its reader is told. */
class Inbox {
  readonly lost: ReadonlySet<number>;
  last = 0n;
  removed = 0n;
  epoch = 1n;
  readonly book = new LeaseBook((_, upTo) => {
    assert.ok(upTo <= this.last, "removes nothing that isn't there");
    this.removed = upTo > this.removed ? upTo : this.removed;
  });

  constructor(messages: number, lost: readonly number[] = []) {
    this.last = BigInt(messages);
    this.lost = new Set(lost);
  }

  read = async (after: bigint, limit: number): Promise<ReadAnswer> => {
    const from = after > this.removed ? after : this.removed;
    const messages = [];
    let gap: Gap = { kind: "none", upTo: this.removed };
    for (let seq = from + 1n; seq <= this.last && messages.length < limit; seq++) {
      const isLost = this.lost.has(Number(seq));
      if (isLost && messages.length > 0) break;
      if (isLost) gap = { kind: "overflow", upTo: seq };
      else messages.push({ seq, payload: new Uint8Array(), enqueuedAtMs: 0, expired: false });
    }
    return { messages, gap, storeEpoch: this.epoch };
  };

  fetch(limit: number, after = 0n): Promise<Fetched> {
    return this.book.lease({ inbox, after, limit, asker: here }, this.read);
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

test("who leaves while its fetch reads leases nothing, so that the fetch behind it is given the same messages", async () => {
  const box = new Inbox(4);
  const asker = { isGone: false };
  const reading = Promise.withResolvers<void>();
  const first = box.book.lease({ inbox, after: 0n, limit: 2, asker }, async (after, limit) => {
    const answer = await box.read(after, limit);
    await reading.promise;
    return answer;
  });
  const second = box.fetch(2);
  asker.isGone = true;
  reading.resolve();
  (await first).dropped();
  const fetched = await second;
  assert.deepEqual(seqs(fetched), [1, 2]);
  fetched.taken();
  assert.equal(box.removed, 2n);
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

test("a gap with nothing behind it is told until an answer with it was taken, and then no more", async () => {
  const box = new Inbox(2, [1, 2]);
  const first = await box.fetch(10);
  assert.deepEqual([first.gap, seqs(first)], [{ kind: "overflow", upTo: 2n }, []]);
  assert.equal((await box.fetch(10)).gap.kind, "none", "the session holds it");
  first.dropped();
  const again = await box.fetch(10);
  assert.equal(again.gap.kind, "overflow");
  again.taken();
  assert.equal(box.removed, 2n);
  assert.deepEqual((await box.fetch(10)).gap, { kind: "none", upTo: 2n });
});

test("a gap before messages is told again when their answer was dropped", async () => {
  const box = new Inbox(3, [1]);
  (await box.fetch(10)).dropped();
  const again = await box.fetch(10);
  assert.deepEqual([again.gap, seqs(again)], [{ kind: "overflow", upTo: 1n }, [2, 3]]);
  again.taken();
  assert.equal(box.removed, 3n);
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
    box.book.lease({ inbox, after: 0n, limit: 1, asker: here }, () =>
      Promise.reject(new QpqError("E020_STORE_UNAVAILABLE")),
    ),
  );
  assert.deepEqual(seqs(await box.fetch(1)), [1]);
});

test("in any order of fetching, taking and dropping, exactly what was taken or told as lost is removed, and nothing is handed out twice", async () => {
  const step = fc.record({
    act: fc.constantFrom("fetch", "take", "drop"),
    limit: fc.integer({ min: 1, max: 4 }),
    pick: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.array(fc.nat(30)), async (steps, lost) => {
      const box = new Inbox(30, lost);
      const held: { fetched: Fetched; covers: readonly number[] }[] = [];
      const taken = new Set<number>();
      const isFree = (seq: number): boolean => !taken.has(seq) && !held.some(({ covers }) => covers.includes(seq));
      /** Its messages, and the lost ones in a row before them that it tells of. */
      const fetch = async (limit: number): Promise<void> => {
        const fetched = await box.fetch(limit);
        const covers = seqs(fetched);
        for (const seq of covers) assert.ok(isFree(seq), `${seq} is held or was taken`);
        let seq = fetched.gap.kind === "none" ? 0 : Number(fetched.gap.upTo);
        for (; box.lost.has(seq) && isFree(seq); seq--) covers.push(seq);
        if (covers.length > 0) held.push({ fetched, covers });
      };
      const settle = (pick: number, act: "take" | "drop"): void => {
        for (const { fetched, covers } of held.splice(pick % held.length, 1)) {
          if (act === "drop") fetched.dropped();
          else {
            for (const seq of covers) taken.add(seq);
            fetched.taken();
          }
        }
      };
      for (const { act, limit, pick } of steps) {
        if (act === "fetch") await fetch(limit);
        else settle(pick, act);
        let prefix = 0;
        while (taken.has(prefix + 1)) prefix++;
        assert.equal(Number(box.removed), prefix);
      }
      while (held.length > 0) settle(0, "drop");
      for (let fetches = 0; box.removed < box.last; fetches++) {
        assert.ok(fetches <= 30, "everything can be taken in the end");
        await fetch(4);
        settle(0, "take");
      }
    }),
    { numRuns: 300 },
  );
});

test("what was taken is not handed out again while its removal is still on its way", async () => {
  const stored = new Inbox(3);
  const { promise: removed, resolve } = Promise.withResolvers<void>();
  const book = new LeaseBook(() => removed);
  const fetch = (): Promise<Fetched> => book.lease({ inbox, after: 0n, limit: 10, asker: here }, stored.read);
  const first = await fetch();
  assert.equal(first.messages.length, 3);
  first.taken();
  const again = await fetch();
  assert.deepEqual(again.messages, [], "a read still sees all three");
  again.taken();
  resolve();
});
