/** Reads messages of the log. It changes nothing. */
import type { Gap, ReadAnswer, ReadQuery, StoredMessage } from "../port.ts";
import type { Follower } from "./follower.ts";
import { baseOf, type Inbox } from "./inbox-index.ts";
import { isMark, isTombstone } from "./records.ts";

const noPayload = new Uint8Array(0);

export class LogReader {
  readonly #follower: Follower;
  readonly #storeEpoch: bigint;

  constructor(follower: Follower, storeEpoch: bigint) {
    this.#follower = follower;
    this.#storeEpoch = storeEpoch;
  }

  /** Sees what the follower has seen. */
  read(query: ReadQuery, nowMs: number): ReadAnswer {
    const storeEpoch = this.#storeEpoch;
    const isOtherEpoch = query.storeEpoch !== 0n && query.storeEpoch !== storeEpoch;
    const inbox = this.#follower.index.find(query.inbox);
    if (inbox === undefined) {
      return { messages: [], gap: { kind: isOtherEpoch ? "epochReset" : "none", upTo: 0n }, storeEpoch };
    }
    const after = Math.max(inbox.acked, isOtherEpoch ? 0 : Number(query.after));
    const start = Math.max(after, inbox.trimmed);
    let gap: Gap = { kind: "none", upTo: BigInt(inbox.acked) };
    if (inbox.trimmed > after) gap = { kind: "expired", upTo: BigInt(inbox.trimmed) };
    if (isOtherEpoch) gap = { kind: "epochReset", upTo: BigInt(start) };
    const { messages, lostUpTo } = this.#messagesAfter(inbox, start, { query, nowMs });
    if (lostUpTo !== undefined) {
      gap = { kind: gap.kind === "none" ? "overflow" : gap.kind, upTo: BigInt(lostUpTo) };
    }
    return { messages, gap, storeEpoch };
  }

  #messagesAfter(
    inbox: Inbox,
    start: number,
    options: { query: ReadQuery; nowMs: number },
  ): {
    messages: StoredMessage[];
    /** The seq of the mark that the answer begins with: the reader is told of it before the messages behind it. */
    lostUpTo: number | undefined;
  } {
    const { query, nowMs } = options;
    const { flags, bodyBytes, expiresAtMs, seq } = this.#follower.index.pool;
    const limit = Math.max(1, query.limit);
    const messages: StoredMessage[] = [];
    let bytes = 0;
    let lostUpTo: number | undefined;
    const first = inbox.head + start - baseOf(inbox);
    for (let i = first; i < inbox.slots.length && i < first + limit; i++) {
      const slot = inbox.slots[i] as number;
      const flag = flags[slot] as number;
      if ((flag & isMark) !== 0) {
        if (messages.length > 0) break; // the next answer begins with it
        lostUpTo = seq[slot] as number;
        continue;
      }
      const expired = (flag & isTombstone) !== 0 || (expiresAtMs[slot] as number) <= nowMs;
      if (!expired) bytes += bodyBytes[slot] as number;
      if (messages.length > 0 && bytes > query.bytesMax) break;
      messages.push(this.#messageAt(slot, expired));
    }
    return { messages, lostUpTo };
  }

  #messageAt(slot: number, expired: boolean): StoredMessage {
    const { segment, offset, recordBytes, bodyBytes, bodyOffset, seq, enqueuedAtMs } = this.#follower.index.pool;
    const bytes = bodyBytes[slot] as number;
    const inline = (offset[slot] as number) + (recordBytes[slot] as number) - bytes;
    const payload =
      expired || bytes === 0
        ? noPayload
        : this.#follower.segments.read(segment[slot] as number, (bodyOffset[slot] as number) || inline, bytes);
    return { seq: BigInt(seq[slot] as number), payload, enqueuedAtMs: enqueuedAtMs[slot] as number, expired };
  }
}
