/** qpq list: your conversations. */
import { personal } from "../command.ts";
import { shownName } from "../print-event.ts";

export const list = personal(
  { words: "", doc: "your conversations", wordsMin: 0, wordsMax: 0 },
  async ({ chat }, { output }) => {
    const all = chat.list();
    if (all.length === 0) output.words("no conversations; begin one: qpq create-group NAME");
    for (const each of all) {
      const name = (each.alias ?? each.name) === undefined ? "(no name)" : shownName(each);
      const counts = `${each.members.length} members, ${each.historyCount} messages${each.pendingCount > 0 ? `, ${each.pendingCount} not sent yet` : ""}`;
      const status = each.status === "active" ? "" : `  ${each.status}`;
      output.data(`${each.id.slice(0, 8)}  ${name}  ${counts}${status}`, { ...each, conversation: each.id });
    }
  },
);
