/** What was said in a conversation, as it stands on the disk. */
import type { AppMessage, Identity, RecordStore } from "quicproquo-core";
import type { IdentityKey } from "quicproquo-proto";
import type { ConversationId } from "./chat-event.ts";
import type { Conversation } from "./conversation.ts";
import { decodeValue } from "../record-value.ts";

export type StoredMessage = {
  readonly sender: IdentityKey;
  readonly message: AppMessage;
  readonly epoch: bigint;
  /** Received: the server's time of arrival. Sent: ours. */
  readonly atMs: number;
  /** Nobody took it within its life, or the server refused it. */
  readonly failed?: true;
  /** The sender's last edit of it. */
  readonly editedBody?: string;
};

export type HistoryEntry = StoredMessage & {
  /** From 1, in the order in which this client sent or received. */
  readonly number: number;
  /** pending: not yet taken by the server for every recipient. */
  readonly status: "received" | "pending" | "sent" | "failed";
};

/** Who wrote a message that others may refer to. The first to use an id keeps it. */
export type Reference = { readonly number: number; readonly sender: IdentityKey };

/** The newest `limit` entries before `before`, oldest first. */
export async function readHistory(
  { records, me }: { readonly records: RecordStore; readonly me: Identity },
  { id, state }: Conversation,
  { limit, before }: { readonly limit: number; readonly before: number | undefined },
): Promise<HistoryEntry[]> {
  const end = Math.min(before ?? Number.POSITIVE_INFINITY, state.facts.historyCount + 1);
  const pending = new Set(state.outbox.map(({ historyNumber }) => historyNumber));
  const entries: HistoryEntry[] = [];
  for (let number = Math.max(1, end - limit); number < end; number++) {
    const bytes = await records.get(historyIdOf(id, number));
    if (bytes === undefined) continue;
    const stored = decodeValue<StoredMessage>(bytes);
    const isMine = stored.sender.toHex() === me.identityKey.toHex();
    const mine = stored.failed === true ? "failed" : pending.has(number) ? "pending" : "sent";
    entries.push({ ...stored, number, status: isMine ? mine : "received" });
  }
  return entries;
}

/** Typing and cover traffic are passed on, not kept. */
export function isKept(message: AppMessage): boolean {
  return message.type !== "typing" && message.type !== "dummy";
}

/** The message as its sender's edit or deletion leaves it: a deleted one keeps no text on this disk. */
export function amended(stored: StoredMessage, change: AppMessage): StoredMessage {
  if (stored.message.type !== "chat") return stored;
  if (change.type === "edit") return { ...stored, editedBody: change.body };
  if (change.type !== "delete") return stored;
  const { editedBody: _, ...rest } = stored;
  return { ...rest, message: { type: "delete", ref: stored.message.msgId } };
}

export function historyIdOf(conversation: ConversationId, number: number): string {
  return `history/${conversation}/${number}`;
}

export function referenceIdOf(conversation: ConversationId, messageId: Uint8Array): string {
  return `reference/${conversation}/${messageId.toHex()}`;
}
