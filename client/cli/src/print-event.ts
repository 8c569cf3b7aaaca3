/** Events and messages in words, and the same as fields for --json. */
import type { AppMessage } from "quicproquo-core";
import type { ChatClient, ChatEvent, ConversationId, ConversationSummary } from "quicproquo-sdk";
import { hex, type Output } from "./output.ts";

export function printEvent(event: ChatEvent, chat: ChatClient, output: Output): void {
  const place =
    "conversation" in event && event.conversation !== undefined ? nameOf(event.conversation, chat) : undefined;
  const words = wordsOf(event);
  output.data(place === undefined ? words : `${place}  ${words}`, {
    ...event,
    ...(event.kind === "message" ? { text: textOf(event.message) } : {}),
  });
}

function wordsOf(event: ChatEvent): string {
  switch (event.kind) {
    case "message":
      return `${short(event.sender)}: ${textOf(event.message)}`;
    case "joined":
      return "you are in this conversation now";
    case "memberAdded":
      return `${short(event.by)} added ${short(event.member)}`;
    case "memberRemoved":
      return `${short(event.by)} removed ${short(event.member)}`;
    case "memberLeaving":
      return `${short(event.member)} wants to leave`;
    case "keysUpdated":
      return `${short(event.by)} has new keys`;
    case "left":
      return "you are no longer in this conversation";
    case "broken":
      return "a change was lost: ask somebody to invite you again";
    case "failed":
      return "a message of yours was not taken in time";
    case "blocked":
      return `${short(event.member)} takes no messages from you`;
    case "changeFailed":
      return `a change that was interrupted (${event.change}) cannot be made any more: ${event.reason}`;
    case "undelivered":
      return `a change did not reach ${event.members.map(short).join(", ")}: their inboxes are full`;
    case "commitUnwrapped":
      return "the group is too large to wrap its change in hybrid envelopes; only the Welcome was wrapped";
    case "hybridKeyRefused":
      return `the hybrid key of ${short(event.member)} is not theirs; it is not used`;
    case "refused":
      return `something was refused: ${event.reason}`;
    case "gap":
      return `messages up to number ${event.upTo} are lost (${event.reason})`;
    case "eventsDropped":
      return `${event.count} events were dropped; messages stand in the history`;
  }
}

/** What a message says, in one line. */
export function textOf(message: AppMessage): string {
  switch (message.type) {
    case "chat":
      return message.body;
    case "reply":
      return `(reply to ${hex(message.ref).slice(0, 8)}) ${message.body}`;
    case "edit":
      return `(edit of ${hex(message.ref).slice(0, 8)}) ${message.body}`;
    case "reaction":
      return `${message.emoji} to ${hex(message.ref).slice(0, 8)}`;
    case "readReceipt":
      return `has read ${hex(message.ref).slice(0, 8)}`;
    case "delete":
      return "(deleted)";
    case "typing":
      return message.active ? "is typing" : "stopped typing";
    case "fileRef":
      return `file ${message.name}, ${message.sizeBytes} bytes`;
    case "groupName":
      return `this conversation is called ${message.name}`;
    case "timer":
      return message.seconds === 0 ? "messages stay" : `messages go after ${message.seconds} s`;
    case "dummy":
      return "";
    case "unsupported":
      return "a kind of message that this version does not know";
  }
}

function nameOf(id: ConversationId, chat: ChatClient): string {
  const found = chat.list().find((conversation) => conversation.id === id);
  return found === undefined ? id.slice(0, 8) : shownName(found);
}

/** With an @ in front it is a user's, by this client's own doing; a group that others called so is quoted. */
export function shownName({ id, alias, name }: Pick<ConversationSummary, "id" | "alias" | "name">): string {
  if (alias !== undefined) return alias;
  return name?.startsWith("@") === true ? JSON.stringify(name) : (name ?? id.slice(0, 8));
}

export function short(key: Uint8Array): string {
  return hex(key).slice(0, 12);
}
