/**
 * Changes of a group: one commit at a time, ordered by the server (wire.md, submitCommit).
 *
 *     intent -> commit made on the group -> durable batch { used-up key, staged: intent, commit, Welcome, next state,
 *                                                           idempotency key }
 *            -> submitCommit -> accepted: durable batch { group = next, staged gone }
 *                            -> E031, another commit won: durable batch { staged: the intent only }
 *                               -> receive until that commit is processed -> the intent again, unless it is true by now
 *                            -> no answer: staged stays, and every later step on the group begins with it
 *
 * The staged commit is repeated as it is, under the same idempotency key: the server tells a repeat from a second try.
 * Until it is accepted, nothing of it is true here.
 */
import { type GroupChange, type MlsGroup, parseKeyPackage } from "quicproquo-core";
import { type ErrorCode, type IdentityKey, QpqError } from "quicproquo-proto";
import type { ChatParts } from "./chat-parts.ts";
import { submitAttempt } from "./commit-call.ts";
import { type Attempt, type Conversation, type Intent, othersIn } from "./conversation.ts";
import { Draft } from "./draft.ts";
import type { Outbox } from "./outbox.ts";

export type CommitterParts = {
  readonly chat: ChatParts;
  readonly outbox: Outbox;
  /** Processes all that stands in the inbox. */
  readonly drain: () => Promise<void>;
};

const idempotencyKeyBytes = 16;

type Outcome = { readonly kind: "done" } | { readonly kind: "lost"; readonly epoch: bigint };

export class Committer {
  readonly #parts: CommitterParts;

  constructor(parts: CommitterParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the change is accepted, or was true already. E053_CONVERSATION_ENDED, E054_COMMITS_CONTENDED,
   * E059_GROUP_CHANGE; errors of kind unavailable leave it staged: it is carried on by whatever comes next here.
   */
  commit(conversation: Conversation, intent: Intent): Promise<void> {
    return conversation.commits.run(async () => {
      await this.#carryLeftOver(conversation);
      await this.#carry(conversation, intent);
    });
  }

  /** Carries on what an earlier call, or process, has left, if anything. An event tells when it cannot be done any more. */
  finish(conversation: Conversation): Promise<void> {
    return conversation.commits.run(() => this.#carryLeftOver(conversation));
  }

  /** Within a turn: settles a staged commit whose outcome is not known. Every step on the group begins with it. */
  async settle(conversation: Conversation): Promise<Outcome> {
    const { staged, next } = conversation.state;
    if (staged?.attempt === undefined || next === undefined) return { kind: "done" };
    const { attempt } = staged;
    let undelivered: readonly IdentityKey[];
    try {
      undelivered = await submitAttempt(this.#parts.chat, conversation, attempt);
    } catch (error) {
      return await this.#refused(conversation, attempt, error);
    }
    await this.#parts.chat.checkpoint("commit: submitted");
    await this.#accept(conversation, { intent: staged.intent, next, undelivered });
    await this.#parts.chat.checkpoint("commit: settled");
    return { kind: "done" };
  }

  async #carryLeftOver(conversation: Conversation): Promise<void> {
    const intent = conversation.state.staged?.intent;
    if (intent === undefined) return;
    try {
      await this.#carry(conversation, intent);
    } catch (error) {
      if (!(error instanceof QpqError) || canBeMended(error)) throw error;
      // nobody waits for this call's answer any more
      const told = { kind: "changeFailed", conversation: conversation.id, change: intent.kind } as const;
      await this.#parts.chat.events.add({ ...told, reason: error.text });
    }
  }

  async #carry(conversation: Conversation, intent: Intent): Promise<void> {
    for (let tries = 0; tries < this.#parts.chat.limits.commitTriesMax; tries++) {
      const outcome = await conversation.turns.run(() => this.#try(conversation, intent));
      if (outcome.kind === "done") return;
      await this.#parts.drain();
      await conversation.turns.run(() => this.#requireProgress(conversation, outcome.epoch));
    }
    await conversation.turns.run(() => this.#dropStaged(conversation));
    throw new QpqError("E054_COMMITS_CONTENDED", { fields: { tries: this.#parts.chat.limits.commitTriesMax } });
  }

  /** One try, within a turn. */
  async #try(conversation: Conversation, intent: Intent): Promise<Outcome> {
    if (conversation.state.staged?.attempt === undefined) {
      let isStaged = false;
      try {
        isStaged = await this.#stage(conversation, intent);
      } finally {
        if (!isStaged) await this.#dropStaged(conversation); // true already, or it cannot be done
      }
      if (!isStaged) return { kind: "done" };
    }
    const outcome = await this.settle(conversation);
    if (outcome.kind === "done") await this.#parts.outbox.flush(conversation);
    return outcome;
  }

  /** false: there is nothing to do, because somebody else has done it. */
  async #stage(conversation: Conversation, intent: Intent): Promise<boolean> {
    requireActive(conversation);
    const { chat } = this.#parts;
    const { group } = conversation.state;
    const change = await this.#changeFor(conversation, intent);
    if (change === undefined) return false;
    const { base, next, commit, welcome } = await group.commit(change);
    await chat.checkpoint("commit: made");
    const draft = new Draft(chat, conversation);
    draft.setGroup(base);
    const attempt: Attempt = {
      epoch: group.epoch,
      idempotencyKey: chat.random(idempotencyKeyBytes),
      commit,
      welcome,
      epochProof: await group.epochProof(),
      nextProofHash: await sha256(await next.epochProof()),
      members: othersIn(group, chat.me.identityKey),
      newcomer: intent.kind === "add" ? intent.member : undefined,
    };
    draft.setStaged({ intent, attempt }, next);
    await draft.save();
    await chat.checkpoint("commit: durable");
    return true;
  }

  /** The intent on the group as it is now; undefined when it is true already. E055_KEY_PACKAGE, E016. */
  async #changeFor(conversation: Conversation, intent: Intent): Promise<GroupChange | undefined> {
    const { group } = conversation.state;
    const leafOf = (key: IdentityKey): number | undefined =>
      group.members.find(({ identityKey }) => identityKey.toHex() === key.toHex())?.leafIndex;
    switch (intent.kind) {
      case "add": {
        if (leafOf(intent.member) !== undefined) return undefined;
        const { groupMembersMax: max } = this.#parts.chat.limits;
        if (group.members.length >= max) throw new QpqError("E016_TOO_MANY_RECIPIENTS", { fields: { max } });
        return { add: [await parseKeyPackage(intent.keyPackage, intent.member, this.#parts.chat.clock())] };
      }
      case "remove": {
        const leaf = leafOf(intent.member);
        return leaf === undefined ? undefined : { remove: [leaf] };
      }
      case "renew":
        return {};
      case "proposals":
        return group.pendingProposals === 0 ? undefined : {};
    }
  }

  async #accept(
    conversation: Conversation,
    { intent, next, undelivered }: { intent: Intent; next: MlsGroup; undelivered: readonly IdentityKey[] },
  ): Promise<void> {
    const draft = new Draft(this.#parts.chat, conversation);
    draft.setStaged(undefined);
    draft.setGroup(next);
    draft.setFacts({ suspect: false, renewKeys: false, leavers: [] });
    // this was the newest epoch: whoever claimed to write from a later one has lied
    for (const forged of draft.state.future) draft.forget(forged);
    if (undelivered.length > 0) draft.addEvent({ kind: "undelivered", members: undelivered });
    const { name } = draft.state.facts;
    // in the same write: a newcomer whose inviter dies here still learns the name
    if (intent.kind === "add" && name !== undefined) {
      await this.#parts.outbox.addTo(draft, { type: "groupName", name });
    }
    await draft.save();
  }

  /** E031: lost. Errors that a repeat can mend leave everything staged; after the others the commit is void. */
  async #refused(conversation: Conversation, attempt: Attempt, error: unknown): Promise<Outcome> {
    if (!(error instanceof QpqError) || canBeMended(error)) throw error;
    const draft = new Draft(this.#parts.chat, conversation);
    const { staged } = conversation.state;
    if (error.code === "E031_EPOCH_TAKEN" && staged !== undefined) {
      draft.setStaged({ intent: staged.intent, attempt: undefined });
      await draft.save();
      await this.#parts.chat.checkpoint("commit: settled");
      return { kind: "lost", epoch: attempt.epoch };
    }
    draft.setStaged(undefined);
    // the group went on elsewhere with another secret: this state is a fork of it
    if (error.code === "E032_EPOCH_PROOF") markBroken(draft);
    await draft.save();
    throw error;
  }

  /** The winner's commit stood in the inbox before the answer: when it didn't come, it was lost on the way. */
  async #requireProgress(conversation: Conversation, lostEpoch: bigint): Promise<void> {
    requireActive(conversation); // what came may have ended it
    if (conversation.state.group.epoch > lostEpoch) return;
    const draft = new Draft(this.#parts.chat, conversation);
    markBroken(draft);
    await draft.save();
    throw new QpqError("E053_CONVERSATION_ENDED");
  }

  async #dropStaged(conversation: Conversation): Promise<void> {
    if (conversation.state.staged === undefined) return;
    const draft = new Draft(this.#parts.chat, conversation);
    draft.setStaged(undefined);
    await draft.save();
  }
}

/** E053_CONVERSATION_ENDED, also while a leave waits for its commit. */
export function requireActive(conversation: Conversation): void {
  const { status } = conversation.state.facts;
  if (status === "active") return;
  const text = status === "leaving" ? "you have asked to leave this conversation" : undefined;
  throw new QpqError("E053_CONVERSATION_ENDED", text === undefined ? {} : { text });
}

export function markBroken(draft: Draft): void {
  draft.setFacts({ status: "broken", suspect: false });
  draft.setStaged(undefined);
  draft.addEvent({ kind: "broken" });
}

/** By another try, or under another token. */
function canBeMended({ kind, code }: QpqError): boolean {
  return kind === "unavailable" || kind === "limited" || aboutToken.has(code);
}

const aboutToken: ReadonlySet<string> = new Set([
  "E003_UNAUTHENTICATED",
  "E004_BAD_TOKEN",
  "E005_SESSION_EXPIRED",
  "E006_FORBIDDEN",
] satisfies ErrorCode[]);

async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(bytes)));
}
