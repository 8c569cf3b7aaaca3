/** A plot of the history for each figure that people follow: a line a machine, never joined across machines. */
import { seriesMax } from "../plot/frame.ts";
import { lineChart, type Point } from "../plot/line-chart.ts";
import { type HistoryLine, joinKeyOf } from "./history.ts";

export type HistoryPlot = { readonly file: string; readonly description: string; readonly svg: string };

/** By scenario. What the pages before show is of one run; these are what a change may spoil without anybody looking. */
const followed: Readonly<Record<string, readonly string[]>> = {
  store: ["embedded_enqueue_per_s_256", "embedded_enqueue_p99_ms", "embedded_vs_direct_8x32"],
  delivery: ["enqueue_per_s_8x32", "subscribe_p99_ms", "cpu_us_per_message", "enqueue_vs_redis_always_tls"],
  transport: ["cpu_us_per_rt_100", "cpu_ms_per_handshake", "kb_per_connection_1000"],
  rpc: ["encode_vs_protobufjs_240", "decode_vs_protobufjs_240", "echo_vs_cpp_tcp_256"],
};

/** Names that scenarios must promise. */
export const followedFigures = followed;

export function historyPlots(history: readonly HistoryLine[]): HistoryPlot[] {
  return Object.entries(followed).flatMap(([scenario, figures]) =>
    figures.flatMap((figure) => {
      const lines = history.filter((line) => line.scenario === scenario && line.figure === figure);
      if (lines.length === 0) return [];
      const description = `${scenario}: ${figure}, by date`;
      const svg = lineChart({
        title: `${scenario}: ${figure}`,
        description: "Median of each measured commit of the main branch, a line a machine.",
        x: { label: "date", scale: "date" },
        y: { label: figure },
        series: seriesOf(lines),
      });
      return [{ file: `history-${scenario}-${figure.replaceAll("_", "-")}.svg`, description, svg }];
    }),
  );
}

/** The machines measured last, as many as are told apart. */
function seriesOf(lines: readonly HistoryLine[]) {
  const machines = new Map<string, HistoryLine[]>();
  for (const line of lines.toReversed()) {
    const of = machines.get(joinKeyOf(line));
    if (of === undefined) machines.set(joinKeyOf(line), [line]);
    else of.push(line);
  }
  return [...machines.values()].slice(0, seriesMax).map((of) => ({
    name: `${of[0]?.host}${of[0]?.quick === true ? " (quick)" : ""}`,
    points: of.map(({ date, median }): Point => [Date.parse(date), median]),
  }));
}
