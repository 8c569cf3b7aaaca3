/** qpq bench: a load on a server, at a rate of its own. What it needs is loaded when it is asked for. */
import { readFileSync } from "node:fs";
import { QpqError } from "quicproquo-proto";
import type { Command } from "../command.ts";
import { accessTokenOf, serverAddressOf } from "../options.ts";
import { benchAgent } from "./bench-agent.ts";

const wordsMax = 3;
const agentWord = "agent";
const agentDoc = "the actions over HTTP, for load generators without QUIC";

export const bench: Command = {
  words: "SCENARIO ...",
  doc: "a load on a server, and what it measured; qpq bench --help",
  wordsMin: 1,
  wordsMax,
  async own([first]) {
    if (first === agentWord) return await benchAgent.own([]);
    const { benchFlags, benchHelp, benchWords } = await import("quicproquo-loadtest/bench");
    return { flags: benchFlags, help: benchHelp("qpq bench", more), words: { ...benchWords, agent: agentDoc } };
  },
  async run(options, output, words) {
    if (words[0] === agentWord) {
      if (words.length > 1) throw new QpqError("E048_USAGE", { text: "usage: qpq bench agent" });
      return await benchAgent.run(options, output, words);
    }
    const { bench } = await import("quicproquo-loadtest/bench");
    await bench(words, options.own, {
      server: () => serverAddressOf(options),
      accessToken: () => accessTokenOf(options),
      versions: { qpq: version() },
      data: (text, fields) => output.data(text, fields),
      say: (text) => output.words(text),
    });
  },
};

const more = `
The server is named as for every command: --server, --ca-cert or --pin, --transport; see qpq --help. Most scenarios need its
static token: QPQ_AUTH_TOKEN_FILE or QPQ_AUTH_TOKEN. --json prints a result a line, which bench compare reads.
Ctrl-C ends a load early, and what was measured is printed.
Exit codes: 0 ok, 1 an assertion does not hold, 2 usage, 3 unreachable, 4 not allowed.
`;

function version(): string {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;
}
