/** qpq send: seal a text for one peer and hand it to the server; done means durable there. */
import { createInterface } from "node:readline";
import { type IdentityKey, parseIdentityKey, QpqError } from "quicproquo-proto";
import type { Command } from "../command.ts";
import { hex } from "../output.ts";
import { loadOrCreateState, openClient, openMailbox } from "../person.ts";

export const send: Command = {
  words: "KEY TEXT|-",
  doc: "send a text to the holder of KEY; - sends each line of standard input as a message",
  wordsMin: 2,
  wordsMax: 2,
  async run(options, output, [keyText, text]) {
    const peer = parseKey(keyText as string);
    using client = openClient(options, output);
    const mailbox = openMailbox(client, await loadOrCreateState(options, output), options);
    await mailbox.publishKeys();
    let sent = 0;
    for await (const one of text === "-" ? createInterface({ input: process.stdin }) : [text as string]) {
      const { seq, envelope } = await mailbox.send(peer, one);
      sent++;
      const fields = {
        seq,
        textBytes: Buffer.byteLength(one),
        envelopeBytes: envelope.length,
        envelopeStart: hex(envelope.subarray(0, 16)),
      };
      output.data(`durable on the server as number ${seq}`, fields);
    }
    // fetch and perhaps upload of keys, the peer's key, then a call a message
    if (options.verbose) output.layers(client.current, 2 + sent);
  },
};

/** 64 hex digits, as `qpq whoami` prints them. */
function parseKey(text: string): IdentityKey {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) {
    throw new QpqError("E007_KEY_LENGTH", { text: "KEY is 64 hex digits: the peer's `qpq whoami` prints it" });
  }
  return parseIdentityKey(Buffer.from(text, "hex"));
}
