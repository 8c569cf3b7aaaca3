/** The comparison of what was acknowledged with what was received finds each fault, and none where there is none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EnvelopeFields, GapFields } from "quicproquo-proto";
import { Cursor } from "../../src/crowd/cursor.ts";
import { type Books, compareBooks } from "../../src/crowd/ledger.ts";
import { SeqBook } from "../../src/crowd/seq-book.ts";

/** Of each inbox the numbers at its seqs; undefined: nothing is known of that seq. */
function booksOf(inboxes: readonly (readonly (number | undefined)[])[]): Books {
  const books = inboxes.map((numbers) => {
    const book = new SeqBook();
    for (const [at, number] of numbers.entries()) if (number !== undefined) book.set(at + 1, number);
    return book;
  });
  return {
    pages: async () => books.map((book, inbox) => book.page(inbox)),
    entries: async (inbox) => books[inbox]?.entries() ?? [],
  };
}

test("the same messages at the same places are without fault", async () => {
  const books = [[0, 2, 4], [1, 3], []];
  assert.deepEqual(await compareBooks(booksOf(books), booksOf(books)), { lost: 0, altered: 0 });
});

test("message 0 is told from none", async () => {
  assert.deepEqual(await compareBooks(booksOf([[0]]), booksOf([[]])), { lost: 1, altered: 0 });
});

test("more than was acknowledged is no fault: its answer was lost", async () => {
  assert.deepEqual(await compareBooks(booksOf([[0, undefined, 4]]), booksOf([[0, 2, 4, 6]])), { lost: 0, altered: 0 });
});

test("an acknowledged message that never came is lost, in the middle, at the end, and with its whole inbox", async () => {
  assert.equal((await compareBooks(booksOf([[0, 2, 4]]), booksOf([[0, undefined, 4]]))).lost, 1);
  assert.equal((await compareBooks(booksOf([[0, 2, 4]]), booksOf([[0, 2]]))).lost, 1);
  assert.equal((await compareBooks(booksOf([[0], [1, 3]]), booksOf([[0]]))).lost, 2);
});

test("another message at an acknowledged place is altered", async () => {
  assert.deepEqual(await compareBooks(booksOf([[0, 2]]), booksOf([[0, 3]])), { lost: 0, altered: 1 });
});

const noGap: GapFields = { kind: "none", upTo: 0n, storeEpoch: 1n };

function envelopesOf(seqs: readonly number[]): EnvelopeFields[] {
  return seqs.map((seq) => ({ seq: BigInt(seq), data: new Uint8Array() }) as unknown as EnvelopeFields);
}

test("what comes twice is counted and not handed on; what is skipped, and what the server tells of, is a gap", () => {
  const taken: number[] = [];
  const cursor = new Cursor((seq) => taken.push(seq));
  cursor.take(envelopesOf([1, 2, 2]), noGap);
  cursor.take(envelopesOf([5]), noGap);
  cursor.take(envelopesOf([9]), { kind: "expired", upTo: 8n, storeEpoch: 1n });
  assert.deepEqual(taken, [1, 2, 5, 9]);
  assert.deepEqual([cursor.repeated, cursor.gaps], [1, 2 + 3]);
});
