/**
 * Messages on their way out of one conversation.
 *
 *     encrypt -> ONE durable batch { moved ratchet, outbox entry with ciphertext and idempotency key, history entry }
 *             -> enqueue
 *             -> durable batch { outbox entry gone: the message is sent }
 *
 * Whatever dies in between finds the entry again and sends the same ciphertext under the same key, which the server
 * stores once: no ciphertext leaves before its generation is used up on the disk, and none is lost or doubled.
 *
 * Entries leave in their order, each recipient's too: whose inbox is full waits with all later ones of this
 * conversation, the others don't wait for it.
 */
import { type AppMessage, encodeAppMessage } from "quicproquo-core";
import { type IdentityKey, limits as protocolLimits, QpqError } from "quicproquo-proto";
import type { ChatParts } from "./chat-parts.ts";
import { type Conversation, type OutboxEntry, recipientsOf } from "./conversation.ts";
import { Draft } from "./draft.ts";
import { wrapped } from "./hybrid-keys.ts";

/**
 * ts-mls reads application messages of 4 past epochs. An entry older than 2 is encrypted again, under the same
 * idempotency key: the server keeps whichever came first, so a recipient gets one of the two, and can read it.
 */
const epochsBehindMax = 2n;
const recipientsMax = protocolLimits.batchRecipientsMax.default;
const idempotencyKeyBytes = 16;
/** So many recipients that have not taken a message are asked why, one call each; of more it is not worth it. */
const askedWhyMax = 4;

/** What became of one message in one try. */
type Outcome = { readonly taken: ReadonlySet<string>; readonly blocking: readonly IdentityKey[] };

export class Outbox {
  readonly #parts: ChatParts;

  constructor(parts: ChatParts) {
    this.#parts = parts;
  }

  /** Within a turn. Encrypts and makes it durable; `flush` sends it. Answers the number of the outbox entry. */
  async add(conversation: Conversation, message: AppMessage): Promise<OutboxEntry> {
    this.#requireRoom(conversation);
    const draft = new Draft(this.#parts, conversation);
    await this.addTo(draft, message);
    await this.#parts.checkpoint("send: encrypted");
    await draft.save();
    await this.#parts.checkpoint("send: durable");
    return conversation.state.outbox.at(-1) as OutboxEntry;
  }

  /** Into a draft that does more than that. E060_PROPOSALS_PENDING, E001_BAD_REQUEST. */
  async addTo(draft: Draft, message: AppMessage): Promise<void> {
    const content = encodeAppMessage(message);
    const { group } = draft.state;
    const sender = this.#parts.me.identityKey;
    const { next, message: encrypted } = await group.encrypt(content);
    draft.setGroup(next);
    const atMs = this.#parts.clock();
    const historyNumber = await draft.addHistory({ sender, message, epoch: group.epoch, atMs });
    this.#put(draft, { message: encrypted, content, historyNumber });
  }

  /** Within a turn: my own removal, for another member to commit. */
  async addLeave(conversation: Conversation): Promise<void> {
    const draft = new Draft(this.#parts, conversation);
    const { next, message } = await draft.state.group.proposeLeave();
    draft.setGroup(next);
    draft.setFacts({ status: "leaving" });
    this.#put(draft, { message, content: undefined, historyNumber: undefined });
    await this.#parts.checkpoint("send: encrypted");
    await draft.save();
    await this.#parts.checkpoint("send: durable");
  }

  /**
   * Within a turn: sends what waits, oldest first. What a full inbox refuses stays, and is tried at the next flush; what
   * the server refuses for good, or the one recipient there is, fails: the numbers of these entries are answered, and why.
   * Other errors leave all as it is.
   */
  async flush(conversation: Conversation): Promise<ReadonlyMap<number, QpqError>> {
    const full = new Set<string>();
    const failed = new Map<number, QpqError>();
    for (const waiting of conversation.state.outbox) {
      const entry = await this.#fresh(conversation, waiting);
      if (entry === undefined) continue;
      const recipients = recipientsOf(conversation.state.group, entry, this.#parts.me.identityKey);
      const open = recipients.filter((recipient) => !full.has(recipient.toHex()));
      let outcome: Outcome;
      try {
        outcome = await this.#send(entry, open);
        // in a group it has gone to the others
        if (conversation.members.length === 2 && outcome.blocking.length > 0) throw new QpqError("E069_BLOCKED");
      } catch (error) {
        if (!(error instanceof QpqError) || (error.kind !== "invalid" && error.code !== "E069_BLOCKED")) throw error;
        await this.#fail(conversation, entry);
        failed.set(entry.number, error);
        continue;
      }
      await this.#parts.checkpoint("send: enqueued");
      const over = new Set([...outcome.taken, ...outcome.blocking.map((recipient) => recipient.toHex())]);
      const left = recipients.filter((recipient) => !over.has(recipient.toHex()));
      for (const recipient of left) full.add(recipient.toHex());
      if (left.length > 0 && left.length === recipients.length) continue;
      const draft = new Draft(this.#parts, conversation);
      for (const member of outcome.blocking) draft.addEvent({ kind: "blocked", member });
      if (left.length === 0) draft.removeFromOutbox(entry);
      else draft.replaceInOutbox({ ...entry, recipients: left });
      await draft.save();
      await this.#parts.checkpoint("send: settled");
    }
    return failed;
  }

  #put(draft: Draft, entry: Pick<OutboxEntry, "message" | "content" | "historyNumber">): void {
    draft.addToOutbox({
      ...entry,
      epoch: draft.state.group.epoch,
      idempotencyKey: this.#parts.random(idempotencyKeyBytes),
      recipients: undefined,
      createdAtMs: this.#parts.clock(),
    });
  }

  /** The entry as it can leave now; undefined when it cannot any more. */
  async #fresh(conversation: Conversation, entry: OutboxEntry): Promise<OutboxEntry | undefined> {
    const { group, facts } = conversation.state;
    if (this.#parts.clock() - entry.createdAtMs > this.#parts.limits.outboxLifeMs) {
      await this.#fail(conversation, entry);
      return undefined;
    }
    const behind = group.epoch - entry.epoch;
    if (entry.content === undefined && behind > 0n) {
      const draft = new Draft(this.#parts, conversation);
      draft.removeFromOutbox(entry);
      await draft.save();
      return undefined;
    }
    // Who left, or has to commit first, cannot encrypt: whoever still reads the old epoch may have it.
    const canEncrypt = facts.status === "active" && group.pendingProposals === 0;
    if (behind <= epochsBehindMax || entry.content === undefined || !canEncrypt) return entry;
    return await this.#encryptAgain(conversation, entry, entry.content);
  }

  async #fail(conversation: Conversation, entry: OutboxEntry): Promise<void> {
    const draft = new Draft(this.#parts, conversation);
    draft.removeFromOutbox(entry);
    if (entry.historyNumber !== undefined) await draft.markFailed(entry.historyNumber);
    draft.addEvent({ kind: "failed", number: entry.historyNumber });
    await draft.save();
  }

  async #encryptAgain(conversation: Conversation, entry: OutboxEntry, content: Uint8Array): Promise<OutboxEntry> {
    const draft = new Draft(this.#parts, conversation);
    const { next, message } = await draft.state.group.encrypt(content);
    const members = new Set(conversation.members.map((key) => key.toHex()));
    const recipients = entry.recipients?.filter((key) => members.has(key.toHex()));
    const again = { ...entry, message, epoch: next.epoch, recipients };
    draft.setGroup(next);
    draft.replaceInOutbox(again);
    await this.#parts.checkpoint("send: encrypted");
    await draft.save();
    await this.#parts.checkpoint("send: durable");
    return again;
  }

  /** One call for all that take it unwrapped, one for each that takes an envelope of its own. */
  async #send(entry: OutboxEntry, recipients: readonly IdentityKey[]): Promise<Outcome> {
    const keys = await this.#parts.hybridKeys.keysOf(recipients);
    const plain = recipients.filter((recipient) => !keys.has(recipient.toHex()));
    const taken = new Set<string>();
    const enqueue = async (to: readonly IdentityKey[], payload: Uint8Array): Promise<void> => {
      const seqs = await this.#parts.server.enqueue(to, payload, entry.idempotencyKey);
      for (const [i, recipient] of to.entries()) if (seqs[i] !== 0n) taken.add(recipient.toHex());
    };
    for (let at = 0; at < plain.length; at += recipientsMax) {
      await enqueue(plain.slice(at, at + recipientsMax), entry.message);
    }
    for (const recipient of recipients) {
      const key = keys.get(recipient.toHex());
      if (key !== undefined) await enqueue([recipient], wrapped(key, entry.message));
    }
    const blocking: IdentityKey[] = [];
    const left = recipients.filter((recipient) => !taken.has(recipient.toHex()));
    for (const recipient of left.length > askedWhyMax ? [] : left) {
      const payload = wrapped(keys.get(recipient.toHex()), entry.message);
      const reason = await this.#parts.server.reasonOf(recipient, payload, entry.idempotencyKey);
      if (reason === undefined) taken.add(recipient.toHex());
      else if (reason.code === "E069_BLOCKED") blocking.push(recipient);
    }
    return { taken, blocking };
  }

  #requireRoom(conversation: Conversation): void {
    const { outboxEntriesMax: max } = this.#parts.limits;
    if (conversation.state.outbox.length < max) return;
    const text = "too many messages of this conversation wait for the server or for a full inbox";
    throw new QpqError("E009_QUEUE_FULL", { text, fields: { max }, retryAfterMs: 1_000 });
  }
}
