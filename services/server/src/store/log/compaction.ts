/**
 * Moves what still stands in a segment that is mostly dead to the end of the log, so that the segment can go.
 *
 * A copy is one more record of the same message: when it is durable it is the message, and until then the first one is.
 * So a crash at any moment leaves both or the first, and replaying both leaves one.
 */
import { OpenSegments } from "./follower.ts";
import type { Journal } from "./journal.ts";
import type { SharedBody } from "./records.ts";

/** Of one step, between two batches of the callers: a commit of some ms. */
const stepBytesMax = 1024 * 1024;
/** A segment is worth its copying when at most this share of it stands. */
const liveShareMax = 0.5;

type Work = { readonly segment: number; readonly slots: number[]; next: number };

export class Compaction {
  readonly #journal: Journal;
  readonly #source: OpenSegments;
  #work: Work | undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#source = new OpenSegments(journal.options);
  }

  get isUnderWay(): boolean {
    return this.#work !== undefined;
  }

  /** Looks for a segment to begin with, among those before the checkpoint: only they can go. */
  begin(checkpoint: number): void {
    if (this.#work !== undefined) return;
    const { sealed, state } = this.#journal;
    let best: { segment: number; share: number } | undefined;
    for (const [segment, bytes] of sealed) {
      if (segment >= checkpoint) continue;
      const share = state.use.liveBytes(segment) / bytes;
      if (share > 0 && share <= liveShareMax && share < (best?.share ?? 1)) best = { segment, share };
    }
    if (best !== undefined) this.#work = { segment: best.segment, slots: this.#slotsIn(best.segment), next: 0 };
  }

  /** One batch of copies, durable when it returns. Between two batches of the callers. E035_STORE_FULL changes nothing. */
  step(): void {
    const work = this.#work;
    if (work === undefined) return;
    const { pool } = this.#journal.state.inboxes;
    const [first] = work.slots.slice(work.next, work.next + 1);
    const firstBytes =
      first === undefined ? 0 : (pool.recordBytes[first] as number) + (pool.bodyBytes[first] as number);
    this.#journal.prepare(2 * stepBytesMax + firstBytes, false);
    const shared = new Map<number, SharedBody>();
    for (let bytes = 0; work.next < work.slots.length && bytes < stepBytesMax; work.next++) {
      const slot = work.slots[work.next] as number;
      // Acknowledged meanwhile, and perhaps another message by now.
      if (pool.segment[slot] === work.segment) bytes += this.#move(slot, shared);
    }
    this.#journal.commit();
    if (work.next === work.slots.length) this.stop();
  }

  stop(): void {
    this.#work = undefined;
    this.#source.close();
  }

  /** Those that share a body one after the other. */
  #slotsIn(segment: number): number[] {
    const { pool } = this.#journal.state.inboxes;
    const slots: number[] = [];
    for (let slot = pool.segment.indexOf(segment); slot !== -1; slot = pool.segment.indexOf(segment, slot + 1)) {
      if (pool.inbox[slot] !== undefined) slots.push(slot);
    }
    const bodyOffset = (slot: number) => pool.bodyOffset[slot] as number;
    const offset = (slot: number) => pool.offset[slot] as number;
    return slots.sort((a, b) => bodyOffset(a) - bodyOffset(b) || offset(a) - offset(b));
  }

  #move(slot: number, shared: Map<number, SharedBody>): number {
    const { inboxes } = this.#journal.state;
    const { segment, offset, recordBytes, bodyBytes, bodyOffset, seq, enqueuedAtMs, expiresAtMs, inbox } = inboxes.pool;
    const owner = inbox[slot];
    if (owner === undefined) return 0;
    const [from, record, length] = [segment[slot], recordBytes[slot], bodyBytes[slot]] as [number, number, number];
    const sharedAt = bodyOffset[slot] as number;
    const body = (at: number) => (length === 0 ? nothing : this.#source.read(from, at, length));
    let bytes = record;
    if (sharedAt !== 0 && !shared.has(sharedAt)) {
      shared.set(sharedAt, this.#journal.body(body(sharedAt)));
      bytes += length;
    }
    this.#journal.message({
      inbox: owner.key,
      seq: seq[slot] as number,
      enqueuedAtMs: enqueuedAtMs[slot] as number,
      expiresAtMs: expiresAtMs[slot] as number,
      sender: inboxes.senderOf(slot),
      messageId: undefined,
      body: sharedAt === 0 ? body((offset[slot] as number) + record - length) : nothing,
      shared: shared.get(sharedAt),
    });
    return bytes;
  }
}

const nothing = new Uint8Array(0);
