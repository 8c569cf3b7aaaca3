/** One flood of a server in a process of its own, from flood.c in another, while honest sessions go on. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { clientConfig } from "../../src/quic/config.ts";
import { initialDatagramBytesMin, quiche } from "../../src/quic/native.ts";
import { resolveQuicLimits } from "../../src/quic/quic-limits.ts";
import { buildC } from "../c-program.ts";
import { trusted } from "../quic-pair.ts";
import type { ServerChild } from "../server-child.ts";
import type { ServerUse } from "../server-process.ts";
import type { HonestCrowd } from "./honest-crowd.ts";

/** As flood.c names them. */
export const floodKinds = {
  random: "random bytes",
  initial: "forged Initials",
  "initial-spoofed": "forged Initials from all over 127.0.0.0/8",
  version: "versions that nobody speaks",
  short: "short headers, to provoke stateless resets",
  token: "Initials with forged Retry tokens",
  "zero-rtt": "0-RTT packets of 60 and 1,200 B",
  replay: "real Initials, again and again, from all over 127.0.0.0/8",
  mix: "all of them in turn",
} as const;
export type FloodKind = keyof typeof floodKinds;

export type FloodResult = {
  readonly sentPerSecond: number;
  readonly takenPerSecond: number;
  /** The longest that an honest session waited, until each was answered once more after the flood. */
  readonly worstMs: number;
  /** To each honest session while the flood went on. */
  readonly answers: readonly number[];
  readonly before: ServerUse;
  readonly after: ServerUse;
};

const run = promisify(execFile);

export class Flooder implements AsyncDisposable {
  readonly #program: string;
  readonly #folder: string;
  readonly #initials: string;

  private constructor(program: string, folder: string) {
    this.#program = program;
    this.#folder = folder;
    this.#initials = join(folder, "initials");
  }

  static async build(): Promise<Flooder> {
    const program = await buildC({ files: [join(import.meta.dirname, "flood.c")] });
    const flooder = new Flooder(program, await mkdtemp(join(tmpdir(), "qpq-flood-")));
    await writeFile(flooder.#initials, realInitials(initialsMax));
    return flooder;
  }

  async flood(
    { server, crowd }: { readonly server: ServerChild; readonly crowd: HonestCrowd },
    what: { readonly kind: FloodKind; readonly seconds: number },
  ): Promise<FloodResult> {
    const before = await server.use();
    crowd.takeAnswers();
    crowd.takeWorstMs();
    const args = [String(server.port), what.kind, String(what.seconds), this.#initials];
    const { sent, seconds } = JSON.parse((await run(this.#program, args)).stdout) as { sent: number; seconds: number };
    const answers = crowd.takeAnswers();
    await crowd.nextAnswers();
    const worstMs = crowd.takeWorstMs();
    const after = await server.use();
    const taken = (after.stats["datagramsIn"] ?? 0) - (before.stats["datagramsIn"] ?? 0);
    return { sentPerSecond: sent / seconds, takenPerSecond: taken / seconds, worstMs, answers, before, after };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** What flood.c keeps of them; many times the handshakes a server lets be under way. */
const initialsMax = 1_000;

/** First datagrams of clients that will never answer. */
function realInitials(count: number): Buffer {
  const limits = resolveQuicLimits({ datagramBytes: initialDatagramBytesMin });
  const options = { trust: { caCertificate: trusted.certificate }, alpn: ["test"], limits, earlyData: false };
  const config = clientConfig(options);
  const from = { host: "127.0.0.1", port: 1 };
  const datagrams = Array.from({ length: count }, () => {
    const native = quiche.Connection.connect("localhost", randomBytes(20), from, from, config);
    const datagram = Buffer.alloc(limits.datagramBytes + 100);
    const sent = native.send(datagram);
    return datagram.subarray(0, sent?.[0]);
  });
  return Buffer.concat(datagrams);
}

export function describe(result: FloodResult): string {
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  return [
    `${Math.round(result.sentPerSecond).toLocaleString("en")} datagrams/s sent`,
    `${Math.round(result.takenPerSecond).toLocaleString("en")} taken`,
    `${Math.min(...result.answers)} to ${Math.max(...result.answers)} answers a session, the slowest after ${result.worstMs.toFixed(0)} ms`,
    `server ${mib(result.before.residentBytes)} -> ${mib(result.after.residentBytes)} MiB`,
  ].join(", ");
}
