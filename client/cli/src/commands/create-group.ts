/** qpq create-group: a conversation with yourself, until you invite somebody. */
import { personal } from "../command.ts";

export const createGroup = personal(
  { words: "NAME", doc: "begin a conversation", wordsMin: 1, wordsMax: 1 },
  async ({ chat }, { output, words: [name] }) => {
    const id = await chat.createGroup(name as string);
    output.data(`${name} begun; next: qpq invite ${JSON.stringify(name)} KEY`, { conversation: id, name });
  },
);
