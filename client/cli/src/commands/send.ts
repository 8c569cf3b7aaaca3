/** qpq send: to a conversation, or to a person: then a conversation of two is begun when there is none. */
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { messageIdBytes } from "quicproquo-core";
import { QpqError } from "quicproquo-proto";
import type { ConversationId } from "quicproquo-sdk";
import { addressedBy } from "../addresses.ts";
import { personal } from "../command.ts";
import { hex, type Output } from "../output.ts";
import type { Person } from "../person.ts";

export const send = personal(
  {
    words: "GROUP|KEY|NAME TEXT|-",
    doc: "send a text; - sends each line of standard input as a message",
    wordsMin: 2,
    wordsMax: 2,
  },
  async (person, { output, words: [address = "", text = ""] }) => {
    const { chat } = person;
    const id = await conversationWith(address, person, output);
    for await (const body of text === "-" ? createInterface({ input: process.stdin }) : [text]) {
      const msgId = new Uint8Array(randomBytes(messageIdBytes));
      const { status, waitingFor, error } = await chat.send(id, { type: "chat", msgId, body });
      if (error !== undefined) throw error;
      const words =
        status === "sent" ? "durable on the server" : `${status}: kept here, the next qpq command tries again`;
      output.data(words, { conversation: id, msgId, status, waitingFor });
    }
  },
);

async function conversationWith(address: string, person: Person, output: Output): Promise<ConversationId> {
  const { chat } = person;
  const addressed = await addressedBy(address, person, output);
  if (addressed.kind === "conversation") return addressed.id;
  const { identityKey, name } = addressed;
  try {
    return chat.find(hex(identityKey));
  } catch (error) {
    if (!(error instanceof QpqError) || error.code !== "E052_CONVERSATION_UNKNOWN") throw error;
  }
  const id = await chat.createGroup();
  await chat.setAlias(id, name);
  await chat.invite(id, identityKey);
  return id;
}
