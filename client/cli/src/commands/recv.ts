/** qpq recv, qpq join: what came, in order, opened. What was printed is then removed from the server. */
import type { ChatEvent } from "quicproquo-sdk";
import { personal } from "../command.ts";
import { printEvent } from "../print-event.ts";

export const recv = personal(
  {
    words: "",
    doc: "print what has come; --follow: and what comes; --count N: until N messages",
    wordsMin: 0,
    wordsMax: 0,
  },
  async ({ chat }, { options, output }) => {
    await chat.publishKeys();
    let messages = 0;
    let events = 0;
    for await (const event of chat.sync({ follow: options.follow || options.count !== undefined })) {
      printEvent(event, chat, output);
      events++;
      if (isText(event)) messages++;
      if (messages === options.count) break;
    }
    if (events === 0) output.words("nothing new");
  },
);

export const join = personal(
  { words: "", doc: "take the invitations that have come", wordsMin: 0, wordsMax: 0 },
  async ({ chat }, { output }) => {
    await chat.publishKeys();
    let joined = 0;
    for await (const event of chat.sync()) {
      printEvent(event, chat, output);
      if (event.kind === "joined") joined++;
    }
    if (joined === 0) output.words("no invitation has come");
  },
);

/** Names, receipts and the like are told, but --count counts what people write. */
function isText(event: ChatEvent): boolean {
  return event.kind === "message" && ["chat", "reply", "fileRef"].includes(event.message.type);
}
