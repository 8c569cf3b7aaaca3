/**
 * The book of a crash test: what the server acknowledged to senders, what readers received and removed, and whether
 * the two agree. It knows nothing of processes or sockets: whoever runs the trial writes it in the order of events.
 *
 * The promise it checks: an acknowledged message is never lost, never received again after its removal, never stored
 * twice, and received in order, without holes that the reader was not told of. A message that is received but was never
 * acknowledged is fine: its acknowledgement went down with the process.
 */
import { createHash } from "node:crypto";

export type Entry = { readonly inbox: string; readonly seq: bigint; readonly payloadHash: string };

export type Verdict = {
  readonly acknowledged: number;
  readonly received: number;
  /** Acknowledged and never received, also when another payload was received under its seq. */
  readonly lost: readonly Entry[];
  /** Received after its removal, or one payload under two seqs (payloads of a trial are distinct). */
  readonly duplicated: readonly Entry[];
  /** Received behind a higher seq, for the first time. */
  readonly outOfOrder: readonly Entry[];
  /** Received behind a hole in the seqs: what is missing there was not received before either. */
  readonly gaps: readonly Entry[];
  /** Another payload under a seq that was acknowledged or received before. */
  readonly altered: readonly Entry[];
};

export type LedgerOptions = {
  /**
   * For long trials: what was acknowledged once, received and removed is forgotten. A payload that comes under another
   * seq after that is not recognised, nor is a second acknowledgement.
   */
  readonly forgetsSettled?: boolean;
};

export class Ledger {
  readonly #inboxes = new Map<string, InboxBook>();
  readonly #forgetsSettled: boolean;
  #acknowledged = 0;
  #received = 0;

  constructor({ forgetsSettled = false }: LedgerOptions = {}) {
    this.#forgetsSettled = forgetsSettled;
  }

  /** A sender got its answer. The same message again (a repeated call) is no second message. */
  acknowledge(entry: Entry): void {
    this.#acknowledged++;
    this.#book(entry.inbox).acknowledge(entry);
  }

  /** A reader got a message. Reading on from an earlier cursor is fine as long as nothing was removed. */
  receive(entry: Entry): void {
    this.#received++;
    this.#book(entry.inbox).receive(entry);
  }

  /** A reader's removal up to and including `upTo` was confirmed. */
  remove(inbox: string, upTo: bigint): void {
    this.#book(inbox).remove(upTo);
  }

  /** A reader was told that everything up to `upTo` that it did not read is gone. */
  tellGap(inbox: string, upTo: bigint): void {
    const book = this.#book(inbox);
    if (upTo > book.told) book.told = upTo;
    if (upTo > book.cursor) book.cursor = upTo;
  }

  verdict(): Verdict {
    const books = [...this.#inboxes.values()];
    return {
      acknowledged: this.#acknowledged,
      received: this.#received,
      lost: books.flatMap((book) => book.lost()),
      duplicated: books.flatMap((book) => book.duplicated),
      outOfOrder: books.flatMap((book) => book.outOfOrder),
      gaps: books.flatMap((book) => book.gaps),
      altered: books.flatMap((book) => book.altered),
    };
  }

  #book(inbox: string): InboxBook {
    const book = this.#inboxes.get(inbox) ?? new InboxBook(this.#forgetsSettled);
    this.#inboxes.set(inbox, book);
    return book;
  }
}

class InboxBook {
  removed = 0n;
  told = 0n;
  /** The seq received last. */
  cursor = 0n;
  readonly duplicated: Entry[] = [];
  readonly outOfOrder: Entry[] = [];
  readonly gaps: Entry[] = [];
  readonly altered: Entry[] = [];
  readonly #acknowledged = new Map<bigint, Entry>();
  /** Acknowledged under a seq that was then acknowledged of another one. */
  readonly #replaced: Entry[] = [];
  readonly #received = new Map<bigint, Entry>();
  readonly #seqOfPayload = new Map<string, bigint>();
  readonly #forgetsSettled: boolean;

  constructor(forgetsSettled: boolean) {
    this.#forgetsSettled = forgetsSettled;
  }

  remove(upTo: bigint): void {
    for (; this.removed < upTo; this.removed++) if (this.#forgetsSettled) this.#forget(this.removed + 1n);
  }

  acknowledge(entry: Entry): void {
    const before = this.#acknowledged.get(entry.seq) ?? this.#received.get(entry.seq);
    if (before !== undefined && before.payloadHash !== entry.payloadHash) this.altered.push(entry);
    const replaced = this.#acknowledged.get(entry.seq);
    if (replaced !== undefined && replaced.payloadHash !== entry.payloadHash) this.#replaced.push(replaced);
    this.#acknowledged.set(entry.seq, entry);
    this.#checkPayload(entry);
    if (this.#forgetsSettled && entry.seq <= this.removed) this.#forget(entry.seq);
  }

  receive(entry: Entry): void {
    const { seq } = entry;
    const before = this.#received.get(seq) ?? this.#acknowledged.get(seq);
    if (before !== undefined && before.payloadHash !== entry.payloadHash) this.altered.push(entry);
    if (seq <= this.removed) this.duplicated.push(entry);
    else if (this.#isBehindHole(seq)) this.gaps.push(entry);
    else if (seq <= this.cursor && !this.#received.has(seq)) this.outOfOrder.push(entry);
    this.cursor = seq;
    this.#received.set(seq, entry);
    this.#checkPayload(entry);
  }

  lost(): Entry[] {
    return [...this.#replaced, ...this.#acknowledged.values()].filter(
      ({ seq, payloadHash }) => seq > this.told && this.#received.get(seq)?.payloadHash !== payloadHash,
    );
  }

  /** Who reads again from an earlier cursor skips what its own removal, under way at that time, took meanwhile. */
  #isBehindHole(seq: bigint): boolean {
    for (let between = this.cursor + 1n; between < seq; between++) if (!this.#received.has(between)) return true;
    return false;
  }

  /** If sender and reader agree on it. */
  #forget(seq: bigint): void {
    const payloadHash = this.#received.get(seq)?.payloadHash;
    if (payloadHash === undefined || this.#acknowledged.get(seq)?.payloadHash !== payloadHash) return;
    this.#received.delete(seq);
    this.#acknowledged.delete(seq);
    this.#seqOfPayload.delete(payloadHash);
  }

  #checkPayload(entry: Entry): void {
    const seq = this.#seqOfPayload.get(entry.payloadHash);
    if (seq !== undefined && seq !== entry.seq) this.duplicated.push(entry);
    this.#seqOfPayload.set(entry.payloadHash, entry.seq);
  }
}

/** Enough of SHA-256 that no two payloads of a trial meet. */
export function payloadHashOf(payload: Uint8Array): string {
  return createHash("sha256").update(payload).digest("hex").slice(0, 32);
}

/** The verdict's faults as counts, to compare with in one assertion. */
export function faultsOf(verdict: Verdict): Record<"lost" | "duplicated" | "outOfOrder" | "gaps" | "altered", number> {
  const { lost, duplicated, outOfOrder, gaps, altered } = verdict;
  return {
    lost: lost.length,
    duplicated: duplicated.length,
    outOfOrder: outOfOrder.length,
    gaps: gaps.length,
    altered: altered.length,
  };
}

export const noFaults = { lost: 0, duplicated: 0, outOfOrder: 0, gaps: 0, altered: 0 } as const;
