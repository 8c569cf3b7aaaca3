/** qpq send: to a conversation, or to a person: then a conversation of two is begun when there is none. */
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { messageIdBytes } from "quicproquo-core";
import { QpqError } from "quicproquo-proto";
import type { ChatClient, ConversationId } from "quicproquo-sdk";
import { personal } from "../command.ts";
import { isKey, parseKey } from "../keys.ts";

export const send = personal(
  {
    words: "GROUP|KEY TEXT|-",
    doc: "send a text; - sends each line of standard input as a message",
    wordsMin: 2,
    wordsMax: 2,
  },
  async ({ chat }, { output, words: [address = "", text = ""] }) => {
    const id = await conversationWith(address, chat);
    for await (const body of text === "-" ? createInterface({ input: process.stdin }) : [text]) {
      const msgId = new Uint8Array(randomBytes(messageIdBytes));
      const { status, waitingFor } = await chat.send(id, { type: "chat", msgId, body });
      const words =
        status === "sent" ? "durable on the server" : `${status}: kept here, the next qpq command tries again`;
      output.data(words, { conversation: id, msgId, status, waitingFor });
    }
  },
);

async function conversationWith(address: string, chat: ChatClient): Promise<ConversationId> {
  try {
    return chat.find(address);
  } catch (error) {
    if (!isKey(address) || !(error instanceof QpqError) || error.code !== "E052_CONVERSATION_UNKNOWN") throw error;
  }
  const id = await chat.createGroup();
  await chat.invite(id, parseKey(address));
  return id;
}
