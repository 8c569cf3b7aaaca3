/** A conversation as a list shows it. */
import type { IdentityKey } from "quicproquo-proto";
import type { ConversationId } from "./chat-event.ts";
import type { Conversation, ConversationFacts } from "./conversation.ts";

export type ConversationSummary = Pick<ConversationFacts, "name" | "alias" | "status" | "pastCount" | "createdAtMs"> & {
  readonly id: ConversationId;
  readonly members: readonly IdentityKey[];
  readonly epoch: bigint;
  /** The same for all members of an epoch, and different when somebody stands in between: what two people compare. */
  readonly epochAuthenticator: Uint8Array;
  readonly historyCount: number;
  /** Messages of mine that the server doesn't have for every recipient yet. */
  readonly pendingCount: number;
};

export function summaryOf({ id, members, state }: Conversation): ConversationSummary {
  const { name, alias, status, pastCount, createdAtMs, historyCount } = state.facts;
  const { epoch, epochAuthenticator } = state.group;
  const counts = { historyCount, pastCount, pendingCount: state.outbox.length };
  return { id, name, alias, status, createdAtMs, members, epoch, epochAuthenticator, ...counts };
}
