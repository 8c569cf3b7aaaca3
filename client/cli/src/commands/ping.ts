/** qpq ping: round trips of a whole RPC call, one after the other. */
import type { Command } from "../command.ts";
import { openClient } from "../person.ts";
import { Traffic } from "../traffic.ts";

const pingsDefault = 5;

export const ping: Command = {
  words: "",
  doc: "round-trip times of calls to the server",
  wordsMin: 0,
  wordsMax: 0,
  async run(options, output) {
    const traffic = new Traffic();
    using client = openClient(options, output, traffic);
    const startedAtMs = performance.now();
    await client.call("health", {});
    const connectMs = performance.now() - startedAtMs;
    output.words(`connected and answered in ${connectMs.toFixed(2)} ms`);
    const count = options.count ?? pingsDefault;
    const timesMs: number[] = [];
    for (let i = 0; i < count; i++) {
      const sentAtMs = performance.now();
      await client.call("health", {});
      timesMs.push(performance.now() - sentAtMs);
    }
    timesMs.sort((a, b) => a - b);
    const minMs = timesMs[0] as number;
    const medianMs = timesMs[count >> 1] as number;
    const maxMs = timesMs[count - 1] as number;
    const text = `${count} calls: min ${minMs.toFixed(2)} ms, median ${medianMs.toFixed(2)} ms, max ${maxMs.toFixed(2)} ms`;
    output.data(text, { count, connectMs, minMs, medianMs, maxMs });
    if (options.verbose) output.layers(client.current, traffic);
  },
};
