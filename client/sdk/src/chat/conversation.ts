/**
 * One conversation as this client holds it: its MLS group and what belongs to it. The same as on the disk, always: it
 * changes only by a {@link Draft} that was saved, within a turn of `turns`.
 */
import { type Identity, MlsGroup, type RecordStore } from "quicproquo-core";
import type { IdentityKey } from "quicproquo-proto";
import type { ConversationId } from "./chat-event.ts";
import type { ChatLimits } from "./chat-limits.ts";
import { decodeValue } from "../record-value.ts";
import { TurnQueue } from "./turn-queue.ts";

export type ConversationFacts = {
  /** What the members call it (message type 10); the last one wins. */
  readonly name: string | undefined;
  /** What this client calls it. */
  readonly alias: string | undefined;
  /** leaving: my removal is proposed, and not yet committed. broken: a commit was lost. */
  readonly status: "active" | "leaving" | "left" | "broken";
  /** A commit may have been lost; the next renewal of our keys shows it. */
  readonly suspect: boolean;
  /** Joined by the last-resort KeyPackage, whose key others may share: our keys want renewing. */
  readonly renewKeys: boolean;
  /** Who has asked to leave in this epoch. */
  readonly leavers: readonly IdentityKey[];
  readonly historyCount: number;
  readonly outboxCount: number;
  /** Messages of past epochs that came too late to be read. */
  readonly pastCount: number;
  readonly createdAtMs: number;
};

/** Those of a group that was just made or joined. */
export function newFacts(name: string | undefined, createdAtMs: number): ConversationFacts {
  return {
    name,
    alias: undefined,
    status: "active",
    suspect: false,
    renewKeys: false,
    leavers: [],
    historyCount: 0,
    outboxCount: 0,
    pastCount: 0,
    createdAtMs,
  };
}

/** A message that is encrypted and durable, and not yet taken by the server for each of its recipients. */
export type OutboxEntry = {
  readonly number: number;
  readonly idempotencyKey: Uint8Array;
  readonly epoch: bigint;
  /** MLSMessage; it is wrapped anew, where it is, each time it leaves. */
  readonly message: Uint8Array;
  /** To encrypt it again when its epoch is too old to be read. Left out for a proposal, which ends with its epoch. */
  readonly content: Uint8Array | undefined;
  /**
   * Left out: every other member of its epoch, which is the group's (a thousand keys would be 53 KB a message). Whom a full
   * inbox or a change of epoch has set apart is named.
   */
  readonly recipients: readonly IdentityKey[] | undefined;
  /** Its place in the history; left out for what isn't kept. */
  readonly historyNumber: number | undefined;
  readonly createdAtMs: number;
};

/** What a commit is for. It outlives lost tries: each is made anew on the group as it then is. */
export type Intent =
  | { readonly kind: "add"; readonly member: IdentityKey; readonly keyPackage: Uint8Array }
  | { readonly kind: "remove"; readonly member: IdentityKey }
  | { readonly kind: "renew" | "proposals" };

/** A commit on its way. Repeated until its outcome is known, always the same one. */
export type Attempt = {
  readonly epoch: bigint;
  readonly idempotencyKey: Uint8Array;
  readonly commit: Uint8Array;
  readonly welcome: Uint8Array | undefined;
  readonly epochProof: Uint8Array;
  readonly nextProofHash: Uint8Array;
  /** Members of the epoch it leaves, without me: also those it removes, who learn it that way. */
  readonly members: readonly IdentityKey[];
  readonly newcomer: IdentityKey | undefined;
};

export type Staged = { readonly intent: Intent; readonly attempt: Attempt | undefined };

export type FutureMessage = {
  readonly seq: bigint;
  readonly epoch: bigint;
  readonly message: Uint8Array;
  readonly enqueuedAtMs: number;
};

export type ConversationState = {
  readonly group: MlsGroup;
  /** The group after the staged attempt; true only once the server has accepted it. */
  readonly next: MlsGroup | undefined;
  readonly facts: ConversationFacts;
  readonly staged: Staged | undefined;
  /** In the order of sending. */
  readonly outbox: readonly OutboxEntry[];
  /** In the order of arrival. */
  readonly future: readonly FutureMessage[];
  /** Deltas beside the snapshot of `group`. */
  readonly deltaKeys: readonly string[];
};

export class Conversation {
  readonly id: ConversationId;
  /** Every step on the group. */
  readonly turns: TurnQueue;
  /** Whole commits, which wait for others' in between. A commit takes turns; nothing in a turn waits for a commit. */
  readonly commits: TurnQueue;
  #state: ConversationState | undefined;

  constructor(id: ConversationId, limits: ChatLimits, state?: ConversationState) {
    this.id = id;
    this.turns = new TurnQueue(limits.turnsWaitingMax);
    this.commits = new TurnQueue(limits.turnsWaitingMax);
    this.#state = state;
  }

  get state(): ConversationState {
    if (this.#state === undefined) throw new TypeError("the conversation has not been saved yet");
    return this.#state;
  }

  /** Only by a Draft, after its write. */
  replaceState(state: ConversationState): void {
    this.#state = state;
  }

  get isActive(): boolean {
    return this.state.facts.status === "active";
  }

  get members(): readonly IdentityKey[] {
    return this.state.group.members.map(({ identityKey }) => identityKey);
  }
}

/** Whom the entry has still to reach. */
export function recipientsOf(group: MlsGroup, entry: OutboxEntry, me: IdentityKey): readonly IdentityKey[] {
  return entry.recipients ?? othersIn(group, me);
}

export function othersIn(group: MlsGroup, me: IdentityKey): readonly IdentityKey[] {
  const mine = me.toHex();
  return group.members.map(({ identityKey }) => identityKey).filter((key) => key.toHex() !== mine);
}

/** Record ids of one conversation. */
export const recordsOf = {
  facts: (id: ConversationId) => `conversation/${id}`,
  snapshot: (id: ConversationId) => `group/${id}`,
  deltas: (id: ConversationId) => `group-delta/${id}`,
  staged: (id: ConversationId) => `staged/${id}`,
  next: (id: ConversationId) => `staged-next/${id}`,
  outbox: (id: ConversationId) => `outbox/${id}`,
  future: (id: ConversationId) => `future/${id}`,
} as const;

/** All conversations, as the last write left them. */
export async function loadConversations(
  records: RecordStore,
  me: Identity,
  limits: ChatLimits,
): Promise<Map<ConversationId, Conversation>> {
  const conversations = new Map<ConversationId, Conversation>();
  for (const { id: recordId, bytes } of await records.list("conversation")) {
    const id = recordId.slice(recordId.indexOf("/") + 1);
    const deltaFolder = recordsOf.deltas(id);
    const deltas = new Map(
      (await records.list(deltaFolder)).map((entry) => [entry.id.slice(deltaFolder.length + 1), entry.bytes]),
    );
    const [snapshot, next, staged] = await Promise.all(
      [recordsOf.snapshot(id), recordsOf.next(id), recordsOf.staged(id)].map((name) => records.get(name)),
    );
    const state: ConversationState = {
      group: MlsGroup.restore(me, snapshot ?? new Uint8Array(0), deltas),
      next: next === undefined ? undefined : MlsGroup.restore(me, next, new Map()),
      facts: decodeValue<ConversationFacts>(bytes),
      staged: staged === undefined ? undefined : decodeValue<Staged>(staged),
      outbox: await listed<OutboxEntry>(records, recordsOf.outbox(id)),
      future: await listed<FutureMessage>(records, recordsOf.future(id)),
      deltaKeys: [...deltas.keys()],
    };
    conversations.set(id, new Conversation(id, limits, state));
  }
  return conversations;
}

async function listed<T>(records: RecordStore, folder: string): Promise<T[]> {
  return (await records.list(folder)).map(({ bytes }) => decodeValue<T>(bytes));
}
