/** Data on standard output, words on standard error. With --json each line of data is one object with stable names. */
import type { NodeClient } from "quicproquo-sdk";
import type { Traffic } from "./traffic.ts";

export class Output {
  readonly #json: boolean;

  constructor(json: boolean) {
    this.#json = json;
  }

  /** One piece of data: `text` for people, `fields` for programs: bigints as numbers, bytes as hex. */
  data(text: string, fields: Readonly<Record<string, unknown>>): void {
    process.stdout.write(`${this.#json ? JSON.stringify(fields, plain) : visible(text)}\n`);
  }

  /** What is neither, such as a script: as it is. */
  raw(text: string): void {
    process.stdout.write(text);
  }

  words(text: string): void {
    process.stderr.write(`${visible(text)}\n`);
  }

  /** What each layer did, for --verbose. */
  layers(client: NodeClient | undefined, traffic: Traffic): void {
    if (client === undefined) return;
    const { info } = client;
    const stats = client.stats();
    const { calls: rpcCalls, sent } = traffic;
    const fields = { ...info, rpcCalls, ...stats, sent };
    if (this.#json) return this.words(JSON.stringify({ event: "layers", ...fields }));
    const transport = info.protocol === "quic" ? `QUIC version ${info.quicVersion ?? "?"}` : "WebSocket";
    const begun = info.resumed ? "resumed" : "full handshake";
    this.words(
      `transport  ${transport}, ${begun}, ${stats.datagramsOut} datagrams out, ${stats.datagramsIn} in, ${stats.bytesOut} + ${stats.bytesIn} bytes, rtt ${stats.rttMs.toFixed(2)} ms`,
    );
    this.words(
      `security   ${info.tlsVersion ?? "?"}, ${info.cipher ?? "cipher not told by the library"}, ALPN ${info.alpn ?? "?"}`,
    );
    this.words(`rpc        ${rpcCalls} calls`);
    for (const { message, bytes, wrapped, count } of sent) {
      this.words(`mls        ${count} x ${message}, ${bytes} bytes${wrapped ? " in the hybrid envelope" : ""}`);
    }
  }
}

/**
 * What others wrote, as a terminal may show it: nothing that moves the cursor, changes colours or turns the direction of
 * text (Unicode TR 36 section 2.6), and no line that looks like one of qpq's own.
 */
export function visible(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, "\ufffd").replaceAll("\n", "\n    ");
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  return value instanceof Uint8Array ? hex(value) : value;
}

/** Lower-case hex, the form in which keys are shown and typed. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
