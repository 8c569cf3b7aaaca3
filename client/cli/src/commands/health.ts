/** qpq health: is the server there, and is it the pinned one? Needs no token. */
import type { Command } from "../command.ts";
import { openClient } from "../person.ts";
import { Traffic } from "../traffic.ts";

export const health: Command = {
  words: "",
  doc: "ask the server whether it is well",
  wordsMin: 0,
  wordsMax: 0,
  async run(options, output) {
    const traffic = new Traffic();
    using client = openClient(options, output, traffic);
    const { status } = await client.call("health", {});
    output.data(status, { status });
    if (options.verbose) output.layers(client.current, traffic);
  },
};
