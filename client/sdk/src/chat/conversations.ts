/** All conversations of this client, and how a person names one. */
import { QpqError } from "quicproquo-proto";
import type { ConversationId } from "./chat-event.ts";
import type { Conversation } from "./conversation.ts";

/** So few digits of a group id, or of a peer's key, are taken for it. */
const idDigitsMin = 4;
const keyDigitsMin = 8;
const keyDigits = 64;

export type ConversationsOptions = { readonly me: string; readonly conversationsMax: number };

export class Conversations {
  readonly #byId: Map<ConversationId, Conversation>;
  readonly #options: ConversationsOptions;

  /** `me`: the own identity key in hex. */
  constructor(byId: Map<ConversationId, Conversation>, options: ConversationsOptions) {
    this.#byId = byId;
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#byId.size >= this.#options.conversationsMax;
  }

  /** E021_OVERLOADED when there is no room for one more. */
  requireRoom(): void {
    const { conversationsMax: max } = this.#options;
    if (this.isFull) throw new QpqError("E021_OVERLOADED", { text: "too many conversations", fields: { max } });
  }

  /** Oldest first. */
  all(): readonly Conversation[] {
    return [...this.#byId.values()].sort((a, b) => a.state.facts.createdAtMs - b.state.facts.createdAtMs);
  }

  get(id: ConversationId): Conversation | undefined {
    return this.#byId.get(id);
  }

  add(conversation: Conversation): void {
    this.#byId.set(conversation.id, conversation);
  }

  /**
   * By alias or name, by group id (hex, or the beginning of it), or, for a conversation of two, by the peer's key (hex, or
   * the beginning of it): the first of these that finds one. Those that go on come before those that ended. A whole key is
   * no name: others choose names of groups.
   * E052_CONVERSATION_UNKNOWN, also when several match (then with a field `matching`).
   */
  find(address: string): Conversation {
    const digits = /^[0-9a-f]+$/i.test(address) ? address.toLowerCase() : "";
    const tests: readonly ((conversation: Conversation) => boolean)[] = [
      ({ state: { facts } }) => digits.length !== keyDigits && (facts.alias === address || facts.name === address),
      ({ id }) => id === digits || (digits.length >= idDigitsMin && id.startsWith(digits)),
      (conversation) => digits.length >= keyDigitsMin && this.#peerOf(conversation)?.startsWith(digits) === true,
    ];
    for (const matches of tests) {
      const found = this.all().filter(matches);
      const living = found.filter(({ state }) => state.facts.status === "active" || state.facts.status === "leaving");
      const [one, ...others] = living.length > 0 ? living : found;
      if (one === undefined) continue;
      if (others.length === 0) return one;
      const text = "several conversations match; use more digits of the group's id";
      throw new QpqError("E052_CONVERSATION_UNKNOWN", { text, fields: { matching: found.length } });
    }
    throw new QpqError("E052_CONVERSATION_UNKNOWN");
  }

  #peerOf(conversation: Conversation): string | undefined {
    const members = conversation.members.map((key) => key.toHex());
    return members.length === 2 ? members.find((key) => key !== this.#options.me) : undefined;
  }
}
