/**
 * What arrives, in the order of the inbox, and where this client stands in it.
 *
 *     read behind the cursor -> process -> ONE durable batch { group state, history, events, cursor } -> acknowledge,
 *     with the next read
 *
 * Nothing is removed from the server before this client's own state says that it has it; what is read twice, after a
 * crash or by two readers at once, lies at or before the cursor the second time and is passed over.
 *
 * The cursor also shows a state that was put back from a copy: what the server says is acknowledged lies ahead of it. Such
 * a state would use keys again that its later self has used, so it is refused (E050). Not shown that way: a copy since
 * which this client has only sent. MLS's random reuse guard covers that case: a repeated key meets another nonce.
 */
import { groupIdOf, isWelcome, type RecordChange, type RecordStore } from "quicproquo-core";
import { type EnvelopeFields, type GapFields, QpqError } from "quicproquo-proto";
import type { ChatParts } from "./chat-parts.ts";
import type { Conversation } from "./conversation.ts";
import type { Conversations } from "./conversations.ts";
import { Draft } from "./draft.ts";
import { unwrapped } from "./hybrid-keys.ts";
import type { Joining } from "./joining.ts";
import type { Cursor } from "./mail-server.ts";
import { decodeValue, encodeValue } from "../record-value.ts";
import type { Arrived, Receiver } from "./receiver.ts";
import { TurnQueue } from "./turn-queue.ts";

export type InboxParts = {
  readonly chat: ChatParts;
  readonly conversations: Conversations;
  readonly receiver: Receiver;
  readonly joining: Joining;
  /** Within a turn: brings a staged commit to its end, which comes before any message of others. */
  readonly settle: (conversation: Conversation) => Promise<unknown>;
};

const cursorId = "client/cursor";

/** Neighbouring messages of one conversation, written together. */
type Run = { readonly conversation: Conversation; readonly arrived: Arrived[] };

type Found =
  | { readonly kind: "message"; readonly conversation: Conversation; readonly message: Uint8Array }
  | { readonly kind: "welcome"; readonly message: Uint8Array }
  | { readonly kind: "refused"; readonly reason: string };

export class Inbox {
  readonly #parts: InboxParts;
  /** One batch after the other; reads may overlap. */
  readonly #steps: TurnQueue;
  /** undefined: a new state, which begins where the server stands. */
  #cursor: Cursor | undefined;
  #isChecked = false;
  #draining: Promise<void> | undefined;

  constructor(parts: InboxParts, cursor: Cursor | undefined) {
    this.#parts = parts;
    this.#steps = new TurnQueue(parts.chat.limits.turnsWaitingMax);
    this.#cursor = cursor;
  }

  /** E050_STATE_ROLLED_BACK. Asks the server once in the life of this object: before anything is encrypted. */
  async requireCurrent(): Promise<void> {
    if (this.#isChecked) return;
    const { gap } = await this.#parts.chat.server.peek(this.#cursor ?? noCursor);
    await this.#steps.run(() => this.#checkCursor(gap));
  }

  /** One read and what it brings. false: there was nothing within pollMs. */
  async receive(pollMs: number, signal?: AbortSignal): Promise<boolean> {
    const { payloads, gap } = await this.#parts.chat.server.fetch(this.#cursor ?? noCursor, pollMs, signal);
    await this.#parts.chat.checkpoint("receive: fetched");
    await this.#steps.run(() => this.#apply(payloads, gap));
    return payloads.length > 0 || gap.kind !== "none";
  }

  /** All that stood there at the call. Many callers at once read it once. */
  async drain(): Promise<void> {
    // one that runs may have looked already; what came since is in the next, which all who wait for it share
    await this.#draining?.catch(() => {});
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (await this.receive(0));
  }

  /** For a state that was put back and starts over: it stands where the server does. */
  async startOver(): Promise<void> {
    const { gap } = await this.#parts.chat.server.peek(noCursor);
    await this.#steps.run(() => this.#moveTo({ seq: gap.upTo, storeEpoch: gap.storeEpoch }));
    this.#isChecked = true;
  }

  async #apply(envelopes: readonly EnvelopeFields[], gap: GapFields): Promise<void> {
    await this.#checkCursor(gap);
    const cursor = this.#cursor ?? noCursor;
    const isOtherEpoch = cursor.storeEpoch !== gap.storeEpoch;
    const isNews = gap.kind === "epochReset" ? isOtherEpoch : gap.kind !== "none" && gap.upTo > cursor.seq;
    if (isNews) await this.#applyGap(gap);
    let run: Run | undefined;
    for (const envelope of envelopes) {
      if (envelope.seq <= (run?.arrived.at(-1)?.seq ?? this.#cursorSeq)) continue;
      // looked up now: a Welcome before it may have made its conversation
      const found = this.#find(envelope);
      const belongs = found.kind === "message" && run?.conversation === found.conversation;
      if (run !== undefined && (!belongs || run.arrived.length >= this.#parts.chat.limits.envelopesInRunMax)) {
        await this.#applyRun(run, envelope.storeEpoch);
        run = undefined;
      }
      if (found.kind === "message") {
        run ??= { conversation: found.conversation, arrived: [] };
        run.arrived.push(arrivedOf(envelope, found.message));
      } else {
        await this.#applyOther(envelope, found);
      }
    }
    if (run !== undefined) await this.#applyRun(run, gap.storeEpoch);
  }

  /** What a payload is; no conversation for a tombstone. */
  #find(envelope: EnvelopeFields): Found {
    if (envelope.expired) return { kind: "refused", reason: "it expired before it was read" };
    let message: Uint8Array;
    try {
      message = Uint8Array.from(unwrapped(this.#parts.chat.keyPair, envelope.data));
    } catch (error) {
      if (!(error instanceof QpqError)) throw error;
      return { kind: "refused", reason: error.text };
    }
    if (isWelcome(message)) return { kind: "welcome", message };
    const groupId = groupIdOf(message)?.groupId;
    if (groupId === undefined) return { kind: "refused", reason: "it is no MLS message" };
    const conversation = this.#parts.conversations.get(groupId.toHex());
    if (conversation === undefined) return { kind: "refused", reason: "it is of a group that this client is not in" };
    return { kind: "message", conversation, message };
  }

  async #applyRun({ conversation, arrived }: Run, storeEpoch: bigint): Promise<void> {
    const cursor = { seq: (arrived.at(-1) as Arrived).seq, storeEpoch };
    await conversation.turns.run(async () => {
      await this.#parts.settle(conversation);
      const draft = new Draft(this.#parts.chat, conversation);
      await this.#parts.receiver.process(draft, arrived);
      draft.addChange(changeOf(cursor));
      await this.#parts.chat.checkpoint("receive: processed");
      await draft.save();
    });
    this.#cursor = cursor;
    await this.#parts.chat.checkpoint("receive: durable");
  }

  async #applyOther(envelope: EnvelopeFields, found: Exclude<Found, { kind: "message" }>): Promise<void> {
    const { seq, storeEpoch, expired } = envelope;
    const cursor = { seq, storeEpoch };
    if (expired) {
      await this.#applyGap({ kind: "expired", upTo: seq, storeEpoch });
      return;
    }
    let reason = found.kind === "refused" ? found.reason : undefined;
    if (found.kind === "welcome") {
      await this.#parts.chat.checkpoint("receive: processed");
      reason = await this.#parts.joining.join(arrivedOf(envelope, found.message), changeOf(cursor));
    }
    if (reason !== undefined) {
      const { events, records } = this.#parts.chat;
      const prepared = events.prepare([{ kind: "refused", conversation: undefined, reason }]);
      await records.write([changeOf(cursor), ...prepared.changes]);
      events.written(prepared);
    }
    this.#cursor = cursor;
    await this.#parts.chat.checkpoint("receive: durable");
  }

  /** kind none says in upTo how far the inbox is acknowledged. */
  async #checkCursor(gap: GapFields): Promise<void> {
    const { seq } = this.#cursor ?? noCursor;
    if (this.#cursor === undefined) {
      await this.#moveTo({ seq: gap.kind === "none" ? gap.upTo : 0n, storeEpoch: gap.storeEpoch });
    } else if (gap.kind === "none" && gap.upTo > seq) {
      throw new QpqError("E050_STATE_ROLLED_BACK", { fields: { at: seq, acknowledged: gap.upTo } });
    }
    this.#isChecked = true;
  }

  async #moveTo(cursor: Cursor): Promise<void> {
    await this.#parts.chat.records.write([changeOf(cursor)]);
    this.#cursor = cursor;
  }

  /** Commits may be among what was lost: each group is put to the test by the next renewal of our keys in it. */
  async #applyGap({ kind, upTo, storeEpoch }: GapFields): Promise<void> {
    await this.#suspectAll();
    if (kind !== "none") await this.#parts.chat.events.add({ kind: "gap", reason: kind, upTo });
    await this.#moveTo({ seq: upTo, storeEpoch });
  }

  async #suspectAll(): Promise<void> {
    for (const conversation of this.#parts.conversations.all()) {
      await conversation.turns.run(async () => {
        if (!conversation.isActive || conversation.state.facts.suspect) return;
        const draft = new Draft(this.#parts.chat, conversation);
        draft.setFacts({ suspect: true });
        await draft.save();
      });
    }
  }

  get #cursorSeq(): bigint {
    return (this.#cursor ?? noCursor).seq;
  }
}

/** undefined: nothing was ever received into these records. */
export async function loadCursor(records: RecordStore): Promise<Cursor | undefined> {
  const bytes = await records.get(cursorId);
  return bytes === undefined ? undefined : decodeValue<Cursor>(bytes);
}

const noCursor: Cursor = { seq: 0n, storeEpoch: 0n };

function changeOf(cursor: Cursor): RecordChange {
  return { id: cursorId, bytes: encodeValue(cursor) };
}

function arrivedOf({ seq, enqueuedAtMs }: EnvelopeFields, message: Uint8Array): Arrived {
  return { seq, message, enqueuedAtMs: Number(enqueuedAtMs) };
}
