/** qpq recv: open what came, in order. What was printed is then removed from the server. */
import type { Received } from "quicproquo-sdk";
import type { Command } from "../command.ts";
import { hex, type Output } from "../output.ts";
import { loadOrCreateState, openClient, openMailbox } from "../person.ts";

export const recv: Command = {
  words: "",
  doc: "print messages that have come; with --follow also those that come later",
  wordsMin: 0,
  wordsMax: 0,
  async run(options, output) {
    using client = openClient(options, output);
    const mailbox = openMailbox(client, await loadOrCreateState(options, output), options);
    const published = await mailbox.publishKeys();
    if (published === "published") output.words("your keys are on the server now: others can send to you");
    let count = 0;
    // with a count it waits until they are there
    const follow = options.follow || options.count !== undefined;
    for await (const received of mailbox.receive({ follow })) {
      if (received.kind === "gap") {
        output.words(`messages up to number ${received.upTo} are lost (${received.reason})`);
        continue;
      }
      print(received, output);
      count++;
      if (count !== options.count) continue;
      await mailbox.acknowledge(received);
      break;
    }
    if (count === 0) output.words("no messages");
    if (options.verbose) output.layers(client.current, count);
  },
};

function print(received: Received, output: Output): void {
  const about = { seq: received.seq, envelopeBytes: received.envelopeBytes, enqueuedAtMs: received.enqueuedAtMs };
  switch (received.kind) {
    case "message": {
      const { sender, text } = received.message;
      output.data(`${hex(sender).slice(0, 16)}  ${text}`, { kind: "message", ...about, sender: hex(sender), text });
      return;
    }
    case "refused":
      return output.data(`number ${received.seq} cannot be opened`, { kind: "refused", ...about });
    case "expired":
      return output.data(`number ${received.seq} expired before it was read`, { kind: "expired", ...about });
  }
}
