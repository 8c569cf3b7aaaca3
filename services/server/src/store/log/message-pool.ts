/**
 * What is kept in memory of each message that stands, in columns: about 75 bytes a message. A slot is a message's place
 * in them, and is used again once it is free.
 */
import type { Inbox } from "./inbox-index.ts";

const slotsMin = 1024;

export class MessagePool {
  segment = new Uint32Array(slotsMin);
  offset = new Uint32Array(slotsMin);
  recordBytes = new Uint32Array(slotsMin);
  bodyBytes = new Uint32Array(slotsMin);
  /** 0: the body is the record's end. */
  bodyOffset = new Uint32Array(slotsMin);
  flags = new Uint8Array(slotsMin);
  expiresAtMs = new Float64Array(slotsMin);
  enqueuedAtMs = new Float64Array(slotsMin);
  seq = new Float64Array(slotsMin);
  /** The two halves of the sender's tag; both 0: it takes nobody's share. */
  senderLow = new Uint32Array(slotsMin);
  senderHigh = new Uint32Array(slotsMin);
  /** Its place in the heap of lives. */
  heapAt = new Uint32Array(slotsMin);
  readonly inbox: (Inbox | undefined)[] = [];
  readonly #free: number[] = [];
  #used = 0;

  take(inbox: Inbox): number {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot >= this.segment.length) this.#grow();
    this.inbox[slot] = inbox;
    return slot;
  }

  give(slot: number): void {
    this.inbox[slot] = undefined;
    this.segment[slot] = 0;
    this.#free.push(slot);
  }

  #grow(): void {
    const slots = 2 * this.segment.length;
    this.segment = copied(this.segment, new Uint32Array(slots));
    this.offset = copied(this.offset, new Uint32Array(slots));
    this.recordBytes = copied(this.recordBytes, new Uint32Array(slots));
    this.bodyBytes = copied(this.bodyBytes, new Uint32Array(slots));
    this.bodyOffset = copied(this.bodyOffset, new Uint32Array(slots));
    this.flags = copied(this.flags, new Uint8Array(slots));
    this.expiresAtMs = copied(this.expiresAtMs, new Float64Array(slots));
    this.enqueuedAtMs = copied(this.enqueuedAtMs, new Float64Array(slots));
    this.seq = copied(this.seq, new Float64Array(slots));
    this.senderLow = copied(this.senderLow, new Uint32Array(slots));
    this.senderHigh = copied(this.senderHigh, new Uint32Array(slots));
    this.heapAt = copied(this.heapAt, new Uint32Array(slots));
  }
}

function copied<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
