/** Data on standard output, words on standard error. With --json each line of data is one object with stable names. */
import type { NodeClient } from "quicproquo-sdk";

export class Output {
  readonly #json: boolean;

  constructor(json: boolean) {
    this.#json = json;
  }

  /** One piece of data: `text` for people, `fields` for programs. bigint fields become numbers. */
  data(text: string, fields: Readonly<Record<string, unknown>>): void {
    const plain = (_: string, value: unknown): unknown => (typeof value === "bigint" ? Number(value) : value);
    process.stdout.write(`${this.#json ? JSON.stringify(fields, plain) : text}\n`);
  }

  words(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** What each layer did, for --verbose. */
  layers(client: NodeClient | undefined, rpcCalls: number): void {
    if (client === undefined) return;
    const { info } = client;
    const stats = client.stats();
    const fields = { ...info, rpcCalls, ...stats };
    if (this.#json) return this.words(JSON.stringify({ event: "layers", ...fields }));
    this.words(
      `transport  ${info.protocol} version ${info.quicVersion ?? "?"}, ${stats.datagramsOut} datagrams out, ${stats.datagramsIn} in, ${stats.bytesOut} + ${stats.bytesIn} bytes, rtt ${stats.rttMs.toFixed(2)} ms`,
    );
    this.words(
      `security   ${info.tlsVersion ?? "?"}, ${info.cipher ?? "cipher not told by the library"}, ALPN ${info.alpn ?? "?"}`,
    );
    this.words(`rpc        ${rpcCalls} calls`);
  }
}

/** Lower-case hex, the form in which keys are shown and typed. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
