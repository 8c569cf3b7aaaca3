/** qpq health: is the server there, and is it the pinned one? Needs no token. */
import type { Command } from "../command.ts";
import { openClient } from "../person.ts";

export const health: Command = {
  words: "",
  doc: "ask the server whether it is well",
  wordsMin: 0,
  wordsMax: 0,
  async run(options, output) {
    using client = openClient(options, output);
    const { status } = await client.call("health", {});
    output.data(status, { status });
    if (options.verbose) output.layers(client.current, 1);
  },
};
