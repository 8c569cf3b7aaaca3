/**
 * A person's conversations: MLS groups over a server that sees ciphertext only. What this client promises:
 *
 * - Nothing leaves before it is durable here, and nothing is acknowledged before it is (the order stands in outbox.ts,
 *   committer.ts, inbox.ts). After a crash at any point the next ChatClient on the same records carries on with the same
 *   ciphertexts under the same idempotency keys.
 * - Operations on one conversation run in turn, whoever calls them; different conversations don't wait for each other.
 * - A state that was put back from a copy is refused (E050_STATE_ROLLED_BACK) before it encrypts anything.
 *
 * It owns neither the records nor the connection; who opened them closes them.
 */
import { type AppMessage, type ClientState, encodeAppMessage, MlsGroup, type RecordStore } from "quicproquo-core";
import { type IdentityKey, QpqError } from "quicproquo-proto";
import type { AccessTokenSource } from "../access-token.ts";
import type { ReconnectingClient } from "../reconnecting-client.ts";
import type { ChatEvent, ConversationId } from "./chat-event.ts";
import { type ChatLimits, chatLimits } from "./chat-limits.ts";
import type { ChatParts } from "./chat-parts.ts";
import { type Checkpoint, noCheckpoint } from "./checkpoint.ts";
import { Committer, markBroken, requireActive } from "./committer.ts";
import { Conversation, loadConversations, newFacts, recipientsOf } from "./conversation.ts";
import { type ConversationSummary, summaryOf } from "./conversation-summary.ts";
import { Conversations } from "./conversations.ts";
import { Draft } from "./draft.ts";
import { EventLog } from "./event-log.ts";
import { eventStream } from "./event-stream.ts";
import { type HistoryEntry, readHistory } from "./history.ts";
import { HybridKeys, type HybridMode } from "./hybrid-keys.ts";
import { Inbox, loadCursor } from "./inbox.ts";
import { Joining } from "./joining.ts";
import { KeyPackages, type Published } from "./key-packages.ts";
import { type Cursor, MailServer } from "./mail-server.ts";
import { Outbox } from "./outbox.ts";
import { Receiver } from "./receiver.ts";
import { Upkeep } from "./upkeep.ts";

export type ChatClientOptions = {
  readonly state: ClientState;
  readonly records: RecordStore;
  readonly client: ReconnectingClient;
  /** A session token's source is Account.accessToken. */
  readonly accessToken: Uint8Array | AccessTokenSource;
  /** ms since the Unix epoch. */
  readonly clock: () => number;
  /** So many bytes that nobody can guess. */
  readonly random: (bytes: number) => Uint8Array;
  /** Wrap payloads in hybrid envelopes for peers that have a hybrid key. Default: off. Received ones are always opened. */
  readonly hybrid?: HybridMode;
  readonly limits?: Partial<ChatLimits>;
  /** For the crash test. */
  readonly checkpoint?: Checkpoint;
};

export type Sent = {
  /** Its place in the history; undefined for what the history doesn't keep. */
  readonly number: number | undefined;
  /** pending: durable here; whatever comes next in this conversation, or sync, sends it. */
  readonly status: "sent" | "pending" | "failed";
  /** Whom it has not reached, and may. */
  readonly waitingFor: readonly IdentityKey[];
  /** Why it failed: E069_BLOCKED where the other of two takes no messages from me, or what the server refused it for. */
  readonly error?: QpqError;
};

export type SyncOptions = {
  /** Go on when the inbox is empty. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
};

export type HistoryOptions = {
  /** The newest so many. Default: 100. */
  readonly limit?: number;
  /** Only entries with a smaller number: the next page back. */
  readonly before?: number;
};

const groupIdBytes = 16;
const historyLimit = 100;

export class ChatClient {
  readonly #parts: ChatParts;
  readonly #conversations: Conversations;
  readonly #keyPackages: KeyPackages;
  readonly #outbox: Outbox;
  readonly #committer: Committer;
  readonly #inbox: Inbox;
  readonly #upkeep: Upkeep;
  #isSyncing = false;

  private constructor(chat: ChatParts, conversations: Conversations, cursor: Cursor | undefined) {
    this.#parts = chat;
    this.#conversations = conversations;
    const keyPackages = new KeyPackages(chat);
    const outbox = new Outbox(chat);
    const committer = new Committer({ chat, outbox, drain: () => this.#inbox.drain() });
    this.#inbox = new Inbox(
      {
        chat,
        conversations,
        receiver: new Receiver(chat),
        joining: new Joining({ chat, conversations, keyPackages }),
        settle: (conversation) => committer.settle(conversation),
      },
      cursor,
    );
    this.#keyPackages = keyPackages;
    this.#outbox = outbox;
    this.#committer = committer;
    this.#upkeep = new Upkeep({ chat, conversations, committer, outbox, keyPackages });
  }

  /** Reads the records; talks to nobody. E057_GROUP_STATE, E044_STATE_FILE when they cannot be used. */
  static async open(options: ChatClientOptions): Promise<ChatClient> {
    const { records, client, clock, random } = options;
    const { accessToken: given } = options;
    const accessToken = given instanceof Uint8Array ? () => given : given;
    const { identity: me, hybridKeyPair: keyPair } = options.state;
    const limits = { ...chatLimits, ...options.limits };
    const events = await EventLog.open(records, limits.eventsMax);
    const server = new MailServer({ client, identityKey: me.identityKey, accessToken });
    const hybridKeys = new HybridKeys({ server, events, limits, clock, mode: options.hybrid ?? "off" });
    const checkpoint = options.checkpoint ?? noCheckpoint;
    const conversations = new Conversations(await loadConversations(records, me, limits), {
      me: me.identityKey.toHex(),
      conversationsMax: limits.conversationsMax,
    });
    const parts = { me, keyPair, records, events, server, hybridKeys, limits, clock, random, checkpoint };
    return new ChatClient(parts, conversations, await loadCursor(records));
  }

  /** Puts on the server what others need to invite me: KeyPackages, a last resort, the signed hybrid key. */
  publishKeys(): Promise<Published> {
    return this.#keyPackages.publish();
  }

  /** A group of one, on this disk only until somebody is invited. E001_BAD_REQUEST for a name over 255 bytes. */
  async createGroup(name?: string): Promise<ConversationId> {
    const { me, limits, random, clock } = this.#parts;
    if (name !== undefined) encodeAppMessage({ type: "groupName", name });
    this.#conversations.requireRoom();
    const groupId = random(groupIdBytes);
    const conversation = new Conversation(groupId.toHex(), limits);
    const draft = new Draft(this.#parts, conversation, {
      group: await MlsGroup.create(me, groupId, clock()),
      next: undefined,
      facts: newFacts(name, clock()),
      staged: undefined,
      outbox: [],
      future: [],
      deltaKeys: [],
    });
    await draft.save();
    this.#conversations.add(conversation);
    return conversation.id;
  }

  /**
   * Adds somebody, and tells them the conversation's name. Nothing to do for who is a member already, unless `again`: who
   * has lost the group's state is removed first. E051_NO_KEY_PACKAGE, E055_KEY_PACKAGE, and those of Committer.commit.
   */
  async invite(id: ConversationId, member: IdentityKey, { again = false } = {}): Promise<void> {
    const conversation = await this.#ready(id);
    if (again) await this.#committer.commit(conversation, { kind: "remove", member });
    if (conversation.members.some((key) => key.toHex() === member.toHex())) return;
    const keyPackage = await this.#parts.server.fetchKeyPackage(member);
    if (keyPackage === undefined) throw new QpqError("E051_NO_KEY_PACKAGE");
    await this.#committer.commit(conversation, { kind: "add", member, keyPackage });
  }

  /** Nothing to do for who is no member. */
  async remove(id: ConversationId, member: IdentityKey): Promise<void> {
    const conversation = await this.#ready(id);
    if (member.toHex() !== this.#parts.me.identityKey.toHex()) {
      return await this.#committer.commit(conversation, { kind: "remove", member });
    }
    throw new QpqError("E059_GROUP_CHANGE", { text: "nobody can commit their own removal; leave instead" });
  }

  /** New keys of my own: who has read along with the old ones cannot any more. */
  async update(id: ConversationId): Promise<void> {
    await this.#committer.commit(await this.#ready(id), { kind: "renew" });
  }

  /** Asks the others to commit my removal; `left` is told when they have. From now on nothing is sent here. */
  async leave(id: ConversationId): Promise<void> {
    const conversation = await this.#ready(id);
    await conversation.turns.run(async () => {
      await this.#committer.settle(conversation);
      requireActive(conversation);
      const draft = new Draft(this.#parts, conversation);
      draft.setFacts({ status: "leaving" });
      draft.setStaged(undefined);
      await draft.save();
    });
    await this.#upkeep.leaveAgain(conversation);
  }

  /**
   * Durable here when it resolves; `status` says whether the server has it. What others proposed is committed first (RFC
   * 9420 section 12.4). E053_CONVERSATION_ENDED, E009_QUEUE_FULL, E001_BAD_REQUEST for what the format cannot hold.
   */
  async send(id: ConversationId, message: AppMessage): Promise<Sent> {
    const conversation = await this.#ready(id);
    for (let tries = 0; tries < this.#parts.limits.commitTriesMax; tries++) {
      const sent = await conversation.turns.run(() => this.#sendInTurn(conversation, message));
      if (sent !== undefined) return sent;
      await this.#committer.commit(conversation, { kind: "proposals" });
    }
    throw new QpqError("E054_COMMITS_CONTENDED");
  }

  /** All conversations, oldest first, also those that ended. */
  list(): readonly ConversationSummary[] {
    return this.#conversations.all().map(summaryOf);
  }

  /** By name, group id or peer's key: see Conversations.find. E052_CONVERSATION_UNKNOWN. */
  find(address: string): ConversationId {
    return this.#conversations.find(address).id;
  }

  /** In the order of their leaves, me among them. */
  members(id: ConversationId): readonly IdentityKey[] {
    return this.#get(id).members;
  }

  /** A name for myself; undefined takes it away. */
  async setAlias(id: ConversationId, alias: string | undefined): Promise<void> {
    const conversation = this.#get(id);
    await conversation.turns.run(async () => {
      const draft = new Draft(this.#parts, conversation);
      draft.setFacts({ alias });
      await draft.save();
    });
  }

  /** Oldest first. Edited messages carry the edit, deleted ones no text. */
  async history(id: ConversationId, { limit = historyLimit, before }: HistoryOptions = {}): Promise<HistoryEntry[]> {
    return await readHistory(this.#parts, this.#get(id), { limit, before });
  }

  /**
   * Receives and yields what happens, in order; ends when nothing stands in the inbox (unless `follow`), or at the signal.
   * An event comes again after a crash until the loop has asked for the next one, or was left. One loop at a time.
   */
  async *sync({ follow = false, signal }: SyncOptions = {}): AsyncGenerator<ChatEvent, void, void> {
    if (this.#isSyncing) throw new QpqError("E048_USAGE", { text: "sync is running already" });
    this.#isSyncing = true;
    try {
      // the inbox first: what waits in an outbox may have to be encrypted again in the epoch that the others are in
      await this.#inbox.drain();
      await this.#upkeep.run();
      const pollMs = follow ? this.#parts.limits.pollMs : 0;
      const round = async (signal: AbortSignal): Promise<boolean> => {
        const came = await this.#inbox.receive(pollMs, signal);
        await this.#upkeep.run();
        return came;
      };
      yield* eventStream({ events: this.#parts.events, round, follow, signal });
    } finally {
      this.#isSyncing = false;
    }
  }

  /**
   * For a state that was put back from a copy (E050): gives up all its groups and KeyPackages, whose keys its later self
   * may have used, and stands where the server does. Others must remove me and invite me again.
   */
  async startOver(): Promise<void> {
    for (const conversation of this.#conversations.all()) {
      await conversation.turns.run(async () => {
        const { status } = conversation.state.facts;
        if (status !== "active" && status !== "leaving") return;
        const draft = new Draft(this.#parts, conversation);
        markBroken(draft);
        for (const entry of draft.state.outbox) draft.removeFromOutbox(entry);
        await draft.save();
      });
    }
    await this.#keyPackages.forget();
    await this.#inbox.startOver();
  }

  async #sendInTurn(conversation: Conversation, message: AppMessage): Promise<Sent | undefined> {
    await this.#committer.settle(conversation);
    requireActive(conversation);
    if (conversation.state.group.pendingProposals > 0) return undefined;
    const { number, historyNumber } = await this.#outbox.add(conversation, message);
    let failed: ReadonlyMap<number, QpqError> = new Map();
    try {
      failed = await this.#outbox.flush(conversation);
    } catch (error) {
      // it is durable, so it is not lost: a repeat by the caller would send it twice
      if (!(error instanceof QpqError) || (error.kind !== "unavailable" && error.kind !== "limited")) throw error;
    }
    const error = failed.get(number);
    if (error !== undefined) return { number: historyNumber, status: "failed", waitingFor: [], error };
    const left = conversation.state.outbox.find((entry) => entry.number === number);
    if (left === undefined) return { number: historyNumber, status: "sent", waitingFor: [] };
    const waitingFor = recipientsOf(conversation.state.group, left, this.#parts.me.identityKey);
    return { number: historyNumber, status: "pending", waitingFor };
  }

  /**
   * The conversation in the epoch that the others are in: what is encrypted in one long past, they cannot read. A running
   * sync keeps it there.
   */
  async #ready(id: ConversationId): Promise<Conversation> {
    const conversation = this.#get(id);
    if (!this.#isSyncing) await this.#inbox.drain();
    await this.#inbox.requireCurrent();
    requireActive(conversation);
    return conversation;
  }

  #get(id: ConversationId): Conversation {
    const conversation = this.#conversations.get(id);
    if (conversation === undefined) throw new QpqError("E052_CONVERSATION_UNKNOWN");
    return conversation;
  }
}
