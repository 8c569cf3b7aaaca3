/** qpq register-state, qpq refresh-keypackage: put on the server what others need to invite and write to me. */
import { type Command, personal } from "../command.ts";

function publishing(doc: string): Command {
  return personal({ words: "", doc, wordsMin: 0, wordsMax: 0 }, async ({ chat }, { output }) => {
    const published = await chat.publishKeys();
    const news = [
      published.hybridKey ? "hybrid key" : "",
      published.keyPackages > 0 ? `${published.keyPackages} KeyPackages` : "",
      published.lastResort ? "last-resort KeyPackage" : "",
    ].filter((text) => text !== "");
    output.data(news.length === 0 ? "everything was there" : `new on the server: ${news.join(", ")}`, published);
  });
}

export const registerState = publishing("make your keys and put on the server what others need to invite you");
export const refreshKeypackage = publishing("fill up your KeyPackages on the server");
