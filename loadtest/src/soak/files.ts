/** What a soak leaves behind: its samples as JSON, and a chart of each kind. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lineChart } from "../plot/line-chart.ts";
import type { Recording, SeriesKind } from "./recording.ts";

const charts: readonly {
  readonly file: string;
  readonly title: string;
  readonly unit: string;
  readonly kinds: readonly SeriesKind[];
}[] = [
  { file: "memory", title: "Memory", unit: "MB", kinds: ["heap_mb", "rss_mb", "redis_mb"] },
  { file: "disk", title: "Tables and log", unit: "MB", kinds: ["tables_mb", "wal_mb", "store_mb"] },
  { file: "handles", title: "Open files and sockets", unit: "count", kinds: ["handles"] },
  { file: "latency", title: "From due to received", unit: "ms", kinds: ["p50_ms", "p99_ms"] },
];

/** The paths that were written. */
export function writeFiles(folder: string, name: string, recording: Recording): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const json = join(folder, `${name}.json`);
  writeFileSync(json, `${JSON.stringify(recording.series())}\n`);
  const written = charts.map(({ file, title, unit, kinds }) => {
    const names = kinds.flatMap((kind) => recording.names(kind));
    const svg = lineChart({
      title: `${title} in a soak`,
      description: `${names.join(", ")} over the minutes of the run ${name}`,
      x: { label: "minutes" },
      y: { label: unit },
      series: names.map((each) => ({ name: each, points: recording.points(each) })),
    });
    const path = join(folder, `${name}-${file}.svg`);
    writeFileSync(path, svg);
    return path;
  });
  return [json, ...written];
}
