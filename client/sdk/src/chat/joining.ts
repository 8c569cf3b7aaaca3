/**
 * Into a group by its Welcome: one durable write makes the conversation, deletes the KeyPackage that was used, and moves
 * the cursor. Invitations are accepted as they come; leaving is the answer to an unwanted one.
 */
import { MlsGroup, type MlsKeyPackage, type RecordChange } from "quicproquo-core";
import { QpqError } from "quicproquo-proto";
import type { ChatParts } from "./chat-parts.ts";
import { Conversation, type ConversationState, newFacts } from "./conversation.ts";
import type { Conversations } from "./conversations.ts";
import { Draft } from "./draft.ts";
import type { KeyPackages } from "./key-packages.ts";
import type { Arrived } from "./receiver.ts";

export type JoiningParts = {
  readonly chat: ChatParts;
  readonly conversations: Conversations;
  readonly keyPackages: KeyPackages;
};

/** Ours have 16; record ids hold twice as many digits. */
const groupIdBytesMax = 32;

export class Joining {
  readonly #parts: JoiningParts;

  constructor(parts: JoiningParts) {
    this.#parts = parts;
  }

  /** Answers why the Welcome is refused; nothing was written then. undefined: joined, with `cursor` in the same write. */
  async join({ message }: Arrived, cursor: RecordChange): Promise<string | undefined> {
    const { chat, keyPackages } = this.#parts;
    let joined: Awaited<ReturnType<typeof MlsGroup.join>>;
    try {
      joined = await MlsGroup.join(chat.me, message, (ref) => keyPackages.find(ref));
    } catch (error) {
      if (!(error instanceof QpqError)) throw error;
      return error.text;
    }
    const { group, usedRef } = joined;
    const used = (await keyPackages.find(usedRef)) as MlsKeyPackage;
    const id = group.groupId.toHex();
    const known = this.#parts.conversations.get(id);
    const reason = this.#reasonAgainst(group, known);
    if (reason !== undefined) return reason;
    const conversation = known ?? new Conversation(id, chat.limits);
    await conversation.turns.run(async () => {
      const draft = new Draft(chat, conversation, this.#stateOf(group, known, used));
      for (const future of draft.state.future) draft.forget(future);
      for (const entry of draft.state.outbox) {
        draft.removeFromOutbox(entry);
        if (entry.historyNumber !== undefined) await draft.markFailed(entry.historyNumber);
      }
      draft.setStaged(undefined);
      for (const change of keyPackages.used(used)) draft.addChange(change);
      draft.addChange(cursor);
      draft.addEvent({ kind: "joined" });
      await draft.save();
    });
    this.#parts.conversations.add(conversation);
    return undefined;
  }

  /** Back into a group that was left or lost; never into one that goes on, nor back to an epoch that is past. */
  #reasonAgainst(group: MlsGroup, known: Conversation | undefined): string | undefined {
    const { groupId, epoch } = group;
    if (groupId.length === 0 || groupId.length > groupIdBytesMax) return "the group's id has an unusual length";
    if (known === undefined) return this.#parts.conversations.isFull ? "this client is in too many groups" : undefined;
    const { status, suspect } = known.state.facts;
    if ((status === "active" || status === "leaving") && !suspect) return "this client is a member already";
    return epoch > known.state.group.epoch ? undefined : "it is an invitation to a past epoch";
  }

  #stateOf(group: MlsGroup, known: Conversation | undefined, used: MlsKeyPackage): ConversationState {
    const before = known?.state.facts ?? newFacts(undefined, this.#parts.chat.clock());
    const facts = { ...before, status: "active", suspect: false, renewKeys: used.lastResort, leavers: [] } as const;
    const { outbox, future, deltaKeys } = known?.state ?? { outbox: [], future: [], deltaKeys: [] };
    return { group, next: undefined, facts, staged: undefined, outbox, future, deltaKeys };
  }
}
