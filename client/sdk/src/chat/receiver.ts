/**
 * What a message of a group does to its conversation. Works on a draft and writes nothing: who calls it saves the draft,
 * and with it the cursor.
 */
import { type AppMessage, decodeAppMessage, type Processed } from "quicproquo-core";
import { QpqError } from "quicproquo-proto";
import type { ChatParts } from "./chat-parts.ts";
import type { Draft } from "./draft.ts";

/** One payload of the inbox, unwrapped. */
export type Arrived = { readonly seq: bigint; readonly message: Uint8Array; readonly enqueuedAtMs: number };

export class Receiver {
  readonly #parts: ChatParts;

  constructor(parts: ChatParts) {
    this.#parts = parts;
  }

  async process(draft: Draft, arrived: readonly Arrived[]): Promise<void> {
    for (const one of arrived) {
      await this.#take(draft, one);
      for (;;) {
        const { group, future } = draft.state;
        const readable = future.find(({ epoch }) => epoch <= group.epoch);
        if (readable === undefined) break;
        draft.forget(readable);
        await this.#take(draft, readable);
      }
    }
  }

  async #take(draft: Draft, arrived: Arrived): Promise<void> {
    const { status } = draft.state.facts;
    // what members still send to somebody who is out, or cannot follow, is of no use here
    if (status === "left" || status === "broken") return;
    const processed = await draft.state.group.process(arrived.message);
    switch (processed.kind) {
      case "application":
        return await this.#takeApplication(draft, processed, arrived);
      case "commit":
        return this.#takeCommit(draft, processed);
      case "proposal":
        draft.setGroup(processed.next);
        draft.setFacts({ leavers: [...draft.state.facts.leavers, processed.sender] });
        return draft.addEvent({ kind: "memberLeaving", member: processed.sender });
      case "past":
        return draft.setFacts({ pastCount: draft.state.facts.pastCount + 1 });
      case "future":
        return this.#keepForLater(draft, processed.epoch, arrived);
      case "refused":
        return draft.addEvent({ kind: "refused", reason: processed.reason });
    }
  }

  async #takeApplication(
    draft: Draft,
    { next, sender, content, epoch }: Extract<Processed, { kind: "application" }>,
    { enqueuedAtMs }: Arrived,
  ): Promise<void> {
    draft.setGroup(next);
    let message: AppMessage;
    try {
      message = decodeAppMessage(content);
    } catch (error) {
      if (!(error instanceof QpqError)) throw error;
      return draft.addEvent({ kind: "refused", reason: "a member sent a malformed message" });
    }
    if (message.type === "groupName") draft.setFacts({ name: message.name });
    const number = await draft.addHistory({ sender, message, epoch, atMs: enqueuedAtMs });
    draft.addEvent({ kind: "message", number, sender, message, enqueuedAtMs });
  }

  #takeCommit(draft: Draft, { next, sender, added, removed, removedMe }: Extract<Processed, { kind: "commit" }>): void {
    draft.setGroup(next);
    draft.setFacts({ leavers: [], suspect: false });
    const me = this.#parts.me.identityKey.toHex();
    for (const member of added) draft.addEvent({ kind: "memberAdded", member, by: sender });
    for (const member of removed) {
      if (member.toHex() !== me) draft.addEvent({ kind: "memberRemoved", member, by: sender });
    }
    if (removedMe) {
      draft.setFacts({ status: "left" });
      draft.setStaged(undefined);
      draft.addEvent({ kind: "left", by: sender });
    } else if (added.length + removed.length === 0) {
      draft.addEvent({ kind: "keysUpdated", by: sender });
    }
  }

  /**
   * The inbox has a commit before every message of the epoch it makes, so a commit was hidden or lost; or the message is
   * forged, for which it takes no member: nothing of it is verified. So it breaks nothing. When too many wait, a renewal
   * of our keys shows which it is: the server accepts it only in the newest epoch (a hundred forged messages buy that one
   * commit).
   */
  #keepForLater(draft: Draft, epoch: bigint, arrived: Arrived): void {
    const { future } = draft.state;
    const { futureMessagesMax, futureBytesMax } = this.#parts.limits;
    const bytes = future.reduce((sum, { message }) => sum + message.length, arrived.message.length);
    if (future.length < futureMessagesMax && bytes <= futureBytesMax) return draft.keepForLater({ ...arrived, epoch });
    draft.setFacts({ suspect: true });
    draft.addEvent({ kind: "refused", reason: "too many messages of epochs to come" });
  }
}
