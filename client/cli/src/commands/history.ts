/** qpq history: what was said in a conversation, from this disk. */
import { personal } from "../command.ts";
import { short, textOf } from "../print-event.ts";

export const history = personal(
  { words: "GROUP", doc: "what was said, oldest first (--count for more or fewer than 100)", wordsMin: 1, wordsMax: 1 },
  async ({ chat }, { options, output, words: [group] }) => {
    const id = chat.find(group as string);
    const entries = await chat.history(id, options.count === undefined ? {} : { limit: options.count });
    for (const entry of entries) {
      const text = entry.editedBody ?? textOf(entry.message);
      const status = entry.status === "received" || entry.status === "sent" ? "" : ` (${entry.status})`;
      const when = new Date(entry.atMs).toISOString().slice(0, 16).replace("T", " ");
      output.data(`${when}  ${short(entry.sender)}: ${text}${status}`, { conversation: id, ...entry, text });
    }
  },
);
