/** Compares what senders were told is durable with what the readers of the inboxes got. */
import type { Page } from "./seq-book.ts";

export type LedgerFaults = {
  /** Acknowledged and never received. */
  readonly lost: number;
  /** Another message came under the acknowledged seq. */
  readonly altered: number;
  /** Came a second time, though the reader had asked for what is behind it. */
  readonly repeated: number;
  /** Seqs that a reader was not given, and not told of. */
  readonly gaps: number;
};

/** One side's pages, and the entries of one inbox (SeqBook.entries). */
export type Books = {
  readonly pages: () => Promise<readonly Page[]>;
  readonly entries: (inbox: number) => Promise<readonly number[]>;
};

/** Inboxes whose digests differ are compared message by message; the reader may have more than was acknowledged. */
export async function compareBooks(sent: Books, received: Books): Promise<Pick<LedgerFaults, "lost" | "altered">> {
  const digests = new Map((await received.pages()).map(({ inbox, digest }) => [inbox, digest]));
  let [lost, altered] = [0, 0];
  for (const { inbox, digest } of await sent.pages()) {
    if (digests.get(inbox) === digest) continue;
    const [acknowledged, got] = [await sent.entries(inbox), await received.entries(inbox)];
    for (const [at, number] of acknowledged.entries()) {
      if (number === 0 || number === got[at]) continue;
      if ((got[at] ?? 0) === 0) lost += 1;
      else altered += 1;
    }
  }
  return { lost, altered };
}
