/**
 * What a conversation needs without anybody asking: staged commits and waiting messages carried on, proposals of others
 * committed, our keys renewed where they are shared or where a commit may have been lost, a leave proposed again that an
 * epoch has voided. Looks at the state only, so it can run any time and finds after a crash what was left.
 */
import { QpqError } from "quicproquo-proto";
import type { ChatParts } from "./chat-parts.ts";
import type { Committer } from "./committer.ts";
import type { Conversation } from "./conversation.ts";
import type { Conversations } from "./conversations.ts";
import { Draft } from "./draft.ts";
import type { KeyPackages } from "./key-packages.ts";
import type { Outbox } from "./outbox.ts";

export type UpkeepParts = {
  readonly chat: ChatParts;
  readonly conversations: Conversations;
  readonly committer: Committer;
  readonly outbox: Outbox;
  readonly keyPackages: KeyPackages;
};

export class Upkeep {
  readonly #parts: UpkeepParts;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /** Throws what a later call, or another token, can mend; what one conversation cannot do stays with it. */
  async run(): Promise<void> {
    const { conversations, keyPackages } = this.#parts;
    for (const conversation of conversations.all()) {
      try {
        await this.#runFor(conversation);
      } catch (error) {
        if (!(error instanceof QpqError) || !staysWithOne.has(error.kind)) throw error;
      }
    }
    if (keyPackages.isShort) await keyPackages.publish();
  }

  async #runFor(conversation: Conversation): Promise<void> {
    const { committer, outbox } = this.#parts;
    if (conversation.state.staged !== undefined) await committer.finish(conversation);
    if (conversation.state.outbox.length > 0) {
      await conversation.turns.run(async () => {
        await committer.settle(conversation);
        await outbox.flush(conversation);
      });
    }
    const { group, facts } = conversation.state;
    if (facts.status === "leaving") await this.leaveAgain(conversation);
    if (facts.status !== "active") return;
    if (group.pendingProposals > 0 && this.#isFirst(conversation)) {
      await committer.commit(conversation, { kind: "proposals" });
    } else if (facts.suspect || facts.renewKeys) {
      await committer.commit(conversation, { kind: "renew" });
    }
  }

  /** Proposes to leave unless that waits already; who is alone is out at once. */
  async leaveAgain(conversation: Conversation): Promise<void> {
    await conversation.turns.run(async () => {
      const { group, facts } = conversation.state;
      if (facts.status !== "leaving" || group.pendingProposals > 0) return;
      if (group.members.length === 1) {
        const draft = new Draft(this.#parts.chat, conversation);
        draft.setFacts({ status: "left" });
        await draft.save();
        return;
      }
      await this.#parts.outbox.addLeave(conversation);
      await this.#parts.outbox.flush(conversation);
    });
  }

  /** Of the members that stay, the one with the lowest leaf commits what the others proposed: one commit instead of many. */
  #isFirst(conversation: Conversation): boolean {
    const { group, facts } = conversation.state;
    const leavers = new Set(facts.leavers.map((key) => key.toHex()));
    const first = group.members.find(({ identityKey }) => !leavers.has(identityKey.toHex()));
    return first?.leafIndex === group.myLeaf;
  }
}

/** A conversation that ended, or a change that doesn't fit it: its events say so, the others go on. */
const staysWithOne: ReadonlySet<string> = new Set(["conflict", "invalid", "notFound"]);
