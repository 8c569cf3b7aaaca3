/** An id of the peer's that was given back and comes a second time is not used again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PeerIds } from "../src/quic/peer-ids.ts";
import type { NativeConnection } from "../src/quic/native.ts";

/** The library's rules: giving back the id in use takes the lowest of the others; a repeated frame brings one back. */
class Library {
  inUse = 0;
  readonly others: number[] = [];

  give(...numbers: readonly number[]): this {
    this.others.push(...numbers);
    this.others.sort((a, b) => a - b);
    return this;
  }

  destinationId(): Uint8Array {
    return Uint8Array.of(this.inUse);
  }

  availableDcids(): number {
    return this.others.length;
  }

  retireDestinationCid(number: number): void {
    if (number !== this.inUse) throw new Error("InvalidState");
    const next = this.others.shift();
    if (next === undefined) throw new Error("OutOfIdentifiers");
    this.inUse = next;
  }
}

function startIds(library: Library) {
  let spent = 0;
  const ids = new PeerIds(library as unknown as NativeConnection, () => {
    spent += 1;
  });
  return { ids, spent: () => spent };
}

test("each move takes the next id", () => {
  const library = new Library().give(1, 2);
  const { ids, spent } = startIds(library);
  ids.rotate();
  assert.equal(library.inUse, 1);
  ids.rotate();
  assert.equal(library.inUse, 2);
  ids.rotate(); // none to spare: it stays
  assert.deepEqual([library.inUse, spent()], [2, 0]);
});

test("one that was given back and comes again is given back again at once", () => {
  const library = new Library().give(1, 2);
  const { ids, spent } = startIds(library);
  ids.rotate();
  ids.rotate();
  library.give(1, 3); // the frame of 1 was repeated
  ids.rotate();
  assert.deepEqual([library.inUse, spent()], [3, 0]);
});

test("where there is no other one the connection is over: the library must not send with it", () => {
  const library = new Library().give(1, 2);
  const { ids, spent } = startIds(library);
  ids.rotate();
  ids.rotate();
  library.give(1);
  ids.rotate();
  assert.equal(spent(), 1);
});
