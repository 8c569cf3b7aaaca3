/** The two ways in which the embedded store keeps its messages, beside each other: tables of qpq.db, and the message log. */
import type { LoopResult } from "../closed-loop.ts";
import { Progress } from "../progress.ts";
import { median, spreadOf } from "../report.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { direct, overQuic, type Window } from "./store.ts";

export const messageLogScenario: Scenario = {
  doc: "durable enqueue/s with messages in a log of their own, beside the same with messages in tables of qpq.db",
  names: {
    figures: [
      "tables_direct_per_s_256",
      "log_direct_per_s_256",
      "tables_enqueue_per_s_8x32",
      "log_enqueue_per_s_8x32",
      "tables_direct_p99_ms",
      "log_direct_p99_ms",
    ],
    ratios: ["log_vs_tables_direct", "log_vs_tables_quic"],
  },
  async run({ quick }: RunOptions) {
    const runs = quick ? 3 : 5;
    const window: Window = quick ? { warmUpMs: 1_000, windowMs: 1_000 } : { warmUpMs: 2_000, windowMs: 5_000 };
    const ways = {
      tablesDirect: () => direct(window),
      logDirect: () => direct(window, true),
      tablesQuic: () => overQuic(8, window),
      logQuic: () => overQuic(8, window, true),
    };
    type Way = keyof typeof ways;
    const names = Object.keys(ways) as Way[];
    const results: Record<Way, LoopResult[]> = { tablesDirect: [], logDirect: [], tablesQuic: [], logQuic: [] };
    const progress = new Progress(runs * names.length);
    for (let run = 0; run < runs; run++) {
      // alternated, so that a slow minute of the machine does not hit one way only
      for (const name of run % 2 === 0 ? names : names.toReversed()) {
        const result = await ways[name]();
        results[name].push(result);
        progress.step(`${name}: ${Math.round(result.perSecond)} enqueues/s, p99 ${result.p99Ms.toFixed(1)} ms`);
      }
    }
    const rates = (name: Way): number[] => results[name].map((result) => result.perSecond);
    const ratios = (name: Way, base: Way): number[] => rates(name).map((rate, i) => rate / (rates(base)[i] as number));
    return {
      runs,
      figures: {
        tables_direct_per_s_256: median(rates("tablesDirect")),
        log_direct_per_s_256: median(rates("logDirect")),
        tables_enqueue_per_s_8x32: median(rates("tablesQuic")),
        log_enqueue_per_s_8x32: median(rates("logQuic")),
        tables_direct_p99_ms: median(results.tablesDirect.map((result) => result.p99Ms)),
        log_direct_p99_ms: median(results.logDirect.map((result) => result.p99Ms)),
      },
      ratios: {
        log_vs_tables_direct: median(ratios("logDirect", "tablesDirect")),
        log_vs_tables_quic: median(ratios("logQuic", "tablesQuic")),
      },
      spread: {
        log_vs_tables_direct: spreadOf(ratios("logDirect", "tablesDirect")),
        log_vs_tables_quic: spreadOf(ratios("logQuic", "tablesQuic")),
      },
      notes: ["client and server share the machine's cores; the direct ways have them for themselves"],
    };
  },
};
