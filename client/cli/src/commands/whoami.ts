/** qpq whoami: the key that others send to. Works without a server. */
import type { Command } from "../command.ts";
import { hex } from "../output.ts";
import { loadOrCreateState } from "../person.ts";

export const whoami: Command = {
  words: "",
  doc: "your key, which others send to; made at first use",
  wordsMin: 0,
  wordsMax: 0,
  async run(options, output) {
    const { identity } = await loadOrCreateState(options, output);
    const key = hex(identity.identityKey);
    output.data(key, { identityKey: key, state: options.stateFile });
  },
};
