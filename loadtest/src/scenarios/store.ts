/**
 * What the network, RPC and calls cost on top of the embedded store: durable enqueues over real QUIC (server, client and
 * store in two processes) beside the same store called directly (one process), the same workload, alternated.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServerProcess } from "quicproquo-server/testing";
import type { LoopResult } from "../closed-loop.ts";
import { runDriver } from "../drivers/driver.ts";
import { Progress } from "../progress.ts";
import { median, spreadOf } from "../report.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { inboxCount, payloadBytes, queueDepthMax } from "../workload.ts";

const callers = 256;
export type Window = { readonly warmUpMs: number; readonly windowMs: number };

export const storeScenario: Scenario = {
  doc: "durable enqueue/s over QUIC on the embedded store, beside the same store called directly",
  names: {
    figures: [
      "embedded_enqueue_per_s_256",
      "embedded_direct_per_s_256",
      "embedded_enqueue_p50_ms",
      "embedded_enqueue_p99_ms",
    ],
    ratios: ["embedded_vs_direct_8x32", "embedded_vs_direct_256x1"],
  },
  async run({ quick, say }: RunOptions) {
    const runs = quick ? 3 : 5;
    const window: Window = quick ? { warmUpMs: 1_500, windowMs: 1_500 } : { warmUpMs: 2_000, windowMs: 5_000 };
    say(
      `${callers} callers, ${payloadBytes} B over ${inboxCount} inboxes; limits for this bench: queueDepthMax ${queueDepthMax}, no rate limit`,
    );
    const ways = {
      direct: () => direct(window),
      quic8: () => overQuic(8, window),
      quic256: () => overQuic(256, window),
    };
    const results: Record<keyof typeof ways, LoopResult[]> = { direct: [], quic8: [], quic256: [] };
    const progress = new Progress(runs * Object.keys(ways).length);
    for (let run = 0; run < runs; run++) {
      const names = Object.keys(ways) as (keyof typeof ways)[];
      // alternated, so that a slow minute of the machine does not hit one way only
      for (const name of run % 2 === 0 ? names : names.toReversed()) {
        const result = await ways[name]();
        results[name].push(result);
        progress.step(`${name}: ${Math.round(result.perSecond)} enqueues/s, p99 ${result.p99Ms.toFixed(1)} ms`);
      }
    }
    const rates = (name: keyof typeof ways): number[] => results[name].map((result) => result.perSecond);
    const ratios = (name: keyof typeof ways): number[] =>
      rates(name).map((rate, run) => rate / (rates("direct")[run] as number));
    return {
      runs,
      figures: {
        embedded_enqueue_per_s_256: median(rates("quic8")),
        embedded_direct_per_s_256: median(rates("direct")),
        embedded_enqueue_p50_ms: median(results.quic8.map((result) => result.p50Ms)),
        embedded_enqueue_p99_ms: median(results.quic8.map((result) => result.p99Ms)),
      },
      ratios: {
        embedded_vs_direct_8x32: median(ratios("quic8")),
        embedded_vs_direct_256x1: median(ratios("quic256")),
      },
      spread: {
        embedded_enqueue_per_s_256: spreadOf(rates("quic8")),
        embedded_direct_per_s_256: spreadOf(rates("direct")),
        embedded_enqueue_p50_ms: spreadOf(results.quic8.map((result) => result.p50Ms)),
        embedded_enqueue_p99_ms: spreadOf(results.quic8.map((result) => result.p99Ms)),
        embedded_vs_direct_8x32: spreadOf(ratios("quic8")),
        embedded_vs_direct_256x1: spreadOf(ratios("quic256")),
      },
      notes: [
        "embedded_enqueue_*: 256 callers on 8 connections; every enqueue with a fresh idempotency key, answered after fsync",
        "client and server share the machine's cores; the direct way has them for itself",
      ],
    };
  },
};

export async function direct(window: Window, messageLog = false): Promise<LoopResult> {
  const folder = mkdtempSync(join(tmpdir(), "qpq-bench-"));
  try {
    return await runDriver("direct", { file: join(folder, "qpq.db"), messageLog, callers, ...window });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function overQuic(connections: number, window: Window, messageLog = false): Promise<LoopResult> {
  await using server = await startServerProcess({
    settings: { "queue-depth-max": queueDepthMax, "log-level": "warn", "message-log": messageLog ? "on" : "off" },
  });
  return await runDriver("quic", {
    server: {
      host: "127.0.0.1",
      port: server.port,
      serverName: "localhost",
      caCertificateBase64: Buffer.from(server.certificate).toString("base64"),
    },
    token: server.token,
    connections,
    callers,
    ...window,
  });
}
