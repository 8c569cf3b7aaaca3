/**
 * The next state of one conversation, with everything that must become true in the same moment: group, facts, outbox,
 * history, events, cursor. Nothing of it exists for anybody until `save` has written it in one durable batch; a draft
 * that is dropped, or whose write fails, leaves the conversation as it was.
 */
import type { AppMessage, Identity, MlsGroup, RecordChange, RecordStore } from "quicproquo-core";
import type { IdentityKey } from "quicproquo-proto";
import type { ChatEvent, ConversationEvent } from "./chat-event.ts";
import {
  type Conversation,
  type ConversationFacts,
  type ConversationState,
  type FutureMessage,
  type OutboxEntry,
  othersIn,
  recordsOf,
  type Staged,
} from "./conversation.ts";
import type { EventLog } from "./event-log.ts";
import { amended, historyIdOf, isKept, type Reference, referenceIdOf, type StoredMessage } from "./history.ts";
import { decodeValue, encodeValue } from "../record-value.ts";

export type DraftParts = { readonly me: Identity; readonly records: RecordStore; readonly events: EventLog };

/** An event without its conversation, which the draft knows. */
export type OwnEvent = ConversationEvent extends infer E
  ? E extends unknown
    ? Omit<E, "conversation">
    : never
  : never;

export class Draft {
  readonly #parts: DraftParts;
  readonly #conversation: Conversation;
  readonly #before: ConversationState | undefined;
  #state: ConversationState;
  readonly #changes = new Map<string, Uint8Array | undefined>();
  readonly #events: ChatEvent[] = [];
  /** Group values whose used-up secrets go once the draft is durable. */
  readonly #steps: MlsGroup[] = [];

  /** `initial`: the conversation is new, or its group another. */
  constructor(parts: DraftParts, conversation: Conversation, initial?: ConversationState) {
    this.#parts = parts;
    this.#conversation = conversation;
    this.#before = initial === undefined ? conversation.state : undefined;
    this.#state = initial ?? conversation.state;
    if (initial !== undefined) this.setFacts({});
  }

  get state(): ConversationState {
    return this.#state;
  }

  setGroup(group: MlsGroup): void {
    const before = this.#state.group;
    for (const entry of group.epoch === before.epoch ? [] : this.#state.outbox) {
      // its recipients are members of the epoch that ends here
      if (entry.recipients !== undefined) continue;
      this.replaceInOutbox({ ...entry, recipients: othersIn(before, this.#parts.me.identityKey) });
    }
    this.#steps.push(group);
    this.#state = { ...this.#state, group };
  }

  setFacts(facts: Partial<ConversationFacts>): void {
    this.#state = { ...this.#state, facts: { ...this.#state.facts, ...facts } };
    this.#put(recordsOf.facts(this.#conversation.id), this.#state.facts);
  }

  setStaged(staged: Staged | undefined, next?: MlsGroup): void {
    const { id } = this.#conversation;
    this.#state = { ...this.#state, staged, next };
    this.#put(recordsOf.staged(id), staged);
    this.#changes.set(recordsOf.next(id), next?.snapshot());
  }

  addToOutbox(entry: Omit<OutboxEntry, "number">): void {
    const number = this.#state.facts.outboxCount + 1;
    this.setFacts({ outboxCount: number });
    this.#state = { ...this.#state, outbox: [...this.#state.outbox, { ...entry, number }] };
    this.#putOutbox({ ...entry, number });
  }

  replaceInOutbox(entry: OutboxEntry): void {
    const outbox = this.#state.outbox.map((one) => (one.number === entry.number ? entry : one));
    this.#state = { ...this.#state, outbox };
    this.#putOutbox(entry);
  }

  removeFromOutbox({ number }: OutboxEntry): void {
    this.#state = { ...this.#state, outbox: this.#state.outbox.filter((one) => one.number !== number) };
    this.#changes.set(this.#outboxId(number), undefined);
  }

  keepForLater(future: FutureMessage): void {
    this.#state = { ...this.#state, future: [...this.#state.future, future] };
    this.#put(this.#futureId(future), future);
  }

  forget(future: FutureMessage): void {
    this.#state = { ...this.#state, future: this.#state.future.filter(({ seq }) => seq !== future.seq) };
    this.#changes.set(this.#futureId(future), undefined);
  }

  addEvent(event: OwnEvent): void {
    this.#events.push({ ...event, conversation: this.#conversation.id } as ConversationEvent);
  }

  /** A batch of another's making that must be written with this one: the cursor, a used KeyPackage. */
  addChange({ id, bytes }: RecordChange): void {
    this.#changes.set(id, bytes);
  }

  /** Events that belong to no conversation. */
  addOtherEvent(event: ChatEvent): void {
    this.#events.push(event);
  }

  /** Its number in the history; undefined for what isn't kept. An edit or a deletion changes what it refers to as well. */
  async addHistory(stored: StoredMessage): Promise<number | undefined> {
    const { message, sender } = stored;
    if (!isKept(message)) return undefined;
    const { id } = this.#conversation;
    const number = this.#state.facts.historyCount + 1;
    this.setFacts({ historyCount: number });
    this.#put(historyIdOf(id, number), stored);
    if (message.type === "chat") {
      const reference: Reference = { number, sender };
      if ((await this.#read(referenceIdOf(id, message.msgId))) === undefined) {
        this.#put(referenceIdOf(id, message.msgId), reference);
      }
    }
    if (message.type === "edit" || message.type === "delete") await this.#amend(message, sender);
    return number;
  }

  async markFailed(number: number): Promise<void> {
    const id = historyIdOf(this.#conversation.id, number);
    const stored = await this.#read<StoredMessage>(id);
    if (stored !== undefined) this.#put(id, { ...stored, failed: true });
  }

  /** One durable write; afterwards the conversation is what this draft says. */
  async save(): Promise<void> {
    const state = { ...this.#state, deltaKeys: this.#addGroupChanges() };
    const prepared = this.#parts.events.prepare(this.#events);
    const changes = [...this.#changes].map(([id, bytes]) => ({ id, bytes }));
    await this.#parts.records.write([...changes, ...prepared.changes]);
    this.#conversation.replaceState(state);
    this.#parts.events.written(prepared);
    for (const step of this.#steps) step.wipeConsumed();
  }

  /** A message moves one ratchet: only that is written. A new epoch is written whole, and the deltas of the old one go. */
  #addGroupChanges(): readonly string[] {
    const { group, deltaKeys } = this.#state;
    const before = this.#before?.group;
    if (group === before) return deltaKeys;
    const { id } = this.#conversation;
    const folder = recordsOf.deltas(id);
    const deltas = before?.delta(group);
    if (deltas === undefined) {
      this.#changes.set(recordsOf.snapshot(id), group.snapshot());
      for (const key of deltaKeys) this.#changes.set(`${folder}/${key}`, undefined);
      return [];
    }
    for (const { key, bytes } of deltas) this.#changes.set(`${folder}/${key}`, bytes);
    return [...new Set([...deltaKeys, ...deltas.map(({ key }) => key)])];
  }

  /** Counts only when the sender wrote what it refers to (wire.md, Client state). */
  async #amend(change: Extract<AppMessage, { type: "edit" | "delete" }>, sender: IdentityKey): Promise<void> {
    const { id } = this.#conversation;
    const reference = await this.#read<Reference>(referenceIdOf(id, change.ref));
    if (reference === undefined || reference.sender.toHex() !== sender.toHex()) return;
    const historyId = historyIdOf(id, reference.number);
    const stored = await this.#read<StoredMessage>(historyId);
    if (stored !== undefined) this.#put(historyId, amended(stored, change));
  }

  /** Through the draft's own changes: a message and its edit may arrive in one run. */
  async #read<T>(id: string): Promise<T | undefined> {
    const bytes = this.#changes.has(id) ? this.#changes.get(id) : await this.#parts.records.get(id);
    return bytes === undefined ? undefined : decodeValue<T>(bytes);
  }

  #put(id: string, value: object | undefined): void {
    this.#changes.set(id, value === undefined ? undefined : encodeValue(value));
  }

  #putOutbox(entry: OutboxEntry): void {
    this.#put(this.#outboxId(entry.number), entry);
  }

  #outboxId(number: number): string {
    return `${recordsOf.outbox(this.#conversation.id)}/${sortable(number)}`;
  }

  #futureId({ seq }: FutureMessage): string {
    return `${recordsOf.future(this.#conversation.id)}/${sortable(seq)}`;
  }
}

/** Digits enough that ids sort as their numbers do. */
function sortable(number: number | bigint): string {
  return String(number).padStart(20, "0");
}
