/** The message log of the reference store. Synchronous; memory.ts gives it the port's shape. */
import { type IdentityKey, type InboxKey, latin1 } from "quicproquo-proto";
import { Gate } from "./gate.ts";
import { MemoryGroups } from "./memory-groups.ts";
import type {
  Append,
  Appended,
  Clock,
  Gap,
  GroupCommit,
  GroupCommitted,
  ReadAnswer,
  ReadQuery,
  StoredMessage,
  StoreLimits,
} from "./port.ts";
import { isRefused, senderShareOf, senderTagOf } from "./sender-share.ts";

type Message = {
  readonly seq: bigint;
  readonly enqueuedAtMs: number;
  readonly expiresAtMs: number;
  /** undefined: a tombstone. */
  payload: Uint8Array | undefined;
  /** A mark: a message of a group's commit belongs here that the full inbox could not take. It has its life. */
  readonly isOverflow: boolean;
  /** Its tag. */
  readonly sender: string | undefined;
};

type Inbox = {
  /** What stands, oldest first, without holes. */
  messages: Message[];
  last: bigint;
  acked: bigint;
  trimmed: bigint;
};

type FirstSeen = { readonly seq: bigint; readonly enqueuedAtMs: number };

const noPayload = new Uint8Array(0);
/** As in the SQLite store: 64 MiB accepted and unfinished. */
const appendBytesInFlightMax = 64 * 1024 * 1024;

export class MemoryLog {
  readonly #limits: StoreLimits;
  readonly #clock: Clock;
  readonly #gate: Gate;
  readonly #groups: MemoryGroups;
  /** The time of its making, so that cursors of an earlier store are told epochReset. */
  readonly #storeEpoch: bigint;
  readonly #inboxes = new Map<InboxKey, Inbox>();
  /** Inbox and message id -> the first append with it, in the order of time. */
  readonly #firstSeen = new Map<string, FirstSeen>();

  constructor({ limits, clock }: { limits: StoreLimits; clock: Clock }) {
    this.#limits = limits;
    this.#clock = clock;
    this.#gate = new Gate({
      name: "appendsInFlightMax",
      rowsMax: limits.appendsInFlightMax,
      bytesMax: appendBytesInFlightMax,
    });
    this.#groups = new MemoryGroups({ ...limits, clock, append: (entries) => this.#appendOrMark(entries) });
    this.#storeEpoch = BigInt(Math.max(1, Math.floor(clock())));
  }

  /** Throws E021_OVERLOADED; else the function it returns must be called once the entries are stored. */
  enter(entries: readonly Append[], rows = entries.length): () => void {
    let bytes = 0;
    for (const payload of new Set(entries.map((entry) => entry.payload))) bytes += payload.length;
    this.#gate.enter(rows, bytes);
    return () => this.#gate.leave(rows, bytes);
  }

  append({ inbox: key, payload, messageId, expiresAtMs, sender: name }: Append): Appended {
    const inbox = this.#inboxes.get(key) ?? newInbox();
    const id = messageId && `${Buffer.from(messageId).toString("hex")} ${key}`;
    const first = id === undefined ? undefined : this.#firstSeen.get(id);
    if (first !== undefined) return { kind: "duplicate", seq: first.seq };
    if (inbox.last - baseOf(inbox) >= this.#limits.queueDepthMax) return { kind: "full" };
    if (this.#isOverShare(inbox, name)) return { kind: "full", ofSender: true };
    const sender = name && latin1(senderTagOf(name));
    const seq = inbox.last + 1n;
    const enqueuedAtMs = this.#clock();
    inbox.last = seq;
    inbox.messages.push({ seq, enqueuedAtMs, expiresAtMs, payload, isOverflow: false, sender });
    this.#inboxes.set(key, inbox);
    if (id !== undefined) this.#firstSeen.set(id, { seq, enqueuedAtMs });
    return { kind: "stored", seq };
  }

  commitGroup(commit: GroupCommit): GroupCommitted {
    return this.#groups.commit(commit);
  }

  #isOverShare({ messages }: Inbox, name: Uint8Array | undefined): boolean {
    if (name === undefined) return false;
    const sender = latin1(senderTagOf(name));
    const share = messages.filter((message) => message.sender === sender);
    return share.length >= senderShareOf(this.#limits.queueDepthMax) || isRefused(name);
  }

  #appendOrMark(entries: readonly Append[]): bigint[] {
    return entries.map((entry) => {
      const appended = this.append(entry);
      if (appended.kind !== "full") return appended.seq;
      // one mark on top of the depth stands for all that is lost after it
      const inbox = this.#inboxes.get(entry.inbox) ?? newInbox();
      this.#inboxes.set(entry.inbox, inbox);
      // of a full share one mark, until something else follows it
      if (this.#isOverShare(inbox, entry.sender) && inbox.messages.at(-1)?.isOverflow) return 0n;
      if (inbox.last - baseOf(inbox) > this.#limits.queueDepthMax) return 0n;
      inbox.last++;
      const { last: seq } = inbox;
      const { expiresAtMs } = entry;
      const mark = { expiresAtMs, payload: noPayload, isOverflow: true, sender: undefined };
      inbox.messages.push({ seq, enqueuedAtMs: this.#clock(), ...mark });
      return 0n;
    });
  }

  read(query: ReadQuery): ReadAnswer {
    const storeEpoch = this.#storeEpoch;
    const isOtherEpoch = query.storeEpoch !== 0n && query.storeEpoch !== storeEpoch;
    const inbox = this.#inboxes.get(query.inbox);
    if (inbox === undefined) {
      return { messages: [], gap: { kind: isOtherEpoch ? "epochReset" : "none", upTo: 0n }, storeEpoch };
    }
    const after = isOtherEpoch ? inbox.acked : max(query.after, inbox.acked);
    let gap: Gap = { kind: "none", upTo: inbox.acked };
    if (inbox.trimmed > after) gap = { kind: "expired", upTo: inbox.trimmed };
    if (isOtherEpoch) gap = { kind: "epochReset", upTo: baseOf(inbox) };
    const { messages, lostUpTo } = this.#messagesAfter(inbox, after, query);
    if (lostUpTo !== undefined) gap = { kind: gap.kind === "none" ? "overflow" : gap.kind, upTo: lostUpTo };
    return { messages, gap, storeEpoch };
  }

  #messagesAfter(inbox: Inbox, after: bigint, { limit, bytesMax }: ReadQuery) {
    const now = this.#clock();
    const messages: StoredMessage[] = [];
    let bytes = 0;
    let lostUpTo: bigint | undefined;
    let rows = 0;
    for (const { seq, payload, enqueuedAtMs, expiresAtMs, isOverflow } of inbox.messages) {
      if (seq <= after) continue;
      if (rows++ >= Math.max(1, limit)) break; // marks count as well
      if (isOverflow) {
        if (messages.length > 0) break; // the next answer begins with it
        lostUpTo = seq;
        continue;
      }
      const living = expiresAtMs > now ? payload : undefined;
      bytes += living?.length ?? 0;
      if (messages.length > 0 && bytes > bytesMax) break;
      const expired = living === undefined;
      messages.push({ seq, payload: living?.slice() ?? new Uint8Array(0), enqueuedAtMs, expired });
    }
    return { messages, lostUpTo };
  }

  ack({ inbox: key, upTo, storeEpoch }: { inbox: InboxKey; upTo: bigint; storeEpoch: bigint }): boolean {
    if (storeEpoch !== 0n && storeEpoch !== this.#storeEpoch) return false;
    const inbox = this.#inboxes.get(key);
    if (inbox === undefined) return true;
    const target = upTo < inbox.last ? upTo : inbox.last;
    inbox.acked = max(inbox.acked, target);
    inbox.messages = inbox.messages.filter(({ seq }) => seq > target);
    return true;
  }

  sweep(rowsMax: number): number {
    let rows = 0;
    for (const inbox of this.#inboxes.values()) rows += this.#sweepInbox(inbox, rowsMax - rows);
    rows += this.#sweepFirstSeen(rowsMax - rows);
    rows += this.#groups.sweep(rowsMax - rows);
    return rows;
  }

  /** The inboxes of one key, and what is remembered of them. */
  removeOf(recipient: IdentityKey): void {
    const prefix = latin1(recipient);
    for (const key of this.#inboxes.keys()) {
      if (!key.startsWith(prefix)) continue;
      this.#inboxes.delete(key);
      for (const id of this.#firstSeen.keys()) if (id.endsWith(` ${key}`)) this.#firstSeen.delete(id);
    }
  }

  #sweepInbox(inbox: Inbox, rowsMax: number): number {
    const now = this.#clock();
    let rows = 0;
    let gone = 0;
    let isHead = true;
    for (const message of inbox.messages) {
      if (rows >= rowsMax) break;
      const isExpired = message.payload === undefined || message.expiresAtMs <= now;
      if (!isExpired) {
        isHead = false;
      } else if (isHead) {
        inbox.trimmed = message.seq;
        gone++;
        rows++;
      } else if (message.payload !== undefined) {
        message.payload = undefined;
        rows++;
      }
    }
    inbox.messages.splice(0, gone);
    return rows;
  }

  #sweepFirstSeen(rowsMax: number): number {
    const endMs = this.#clock() - this.#limits.dedupeWindowMs;
    let rows = 0;
    for (const [id, { enqueuedAtMs }] of this.#firstSeen) {
      if (rows >= rowsMax || enqueuedAtMs >= endMs) break;
      this.#firstSeen.delete(id);
      rows++;
    }
    return rows;
  }
}

function newInbox(): Inbox {
  return { messages: [], last: 0n, acked: 0n, trimmed: 0n };
}

/** The seq before the oldest message that stands. */
function baseOf(inbox: Inbox): bigint {
  return max(inbox.acked, inbox.trimmed);
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
