/** What is drawn of the reports, as data. A plot whose figures were not measured is left out. */
import { barChart } from "../plot/bar-chart.ts";
import { lineChart, type Point } from "../plot/line-chart.ts";
import type { Reports } from "./page.ts";
import type { StoredReport } from "./stored-report.ts";

export type Plot = { readonly file: string; readonly description: string; readonly svg: string };

type Row = {
  readonly figure: string;
  readonly name: string;
  readonly ours?: boolean;
};

type Bars = {
  readonly kind: "bars";
  readonly scenario: string;
  readonly title: string;
  readonly unit: string;
  readonly scale?: "log";
  readonly rows: readonly Row[];
};

type Lines = {
  readonly kind: "lines";
  readonly scenario: string;
  readonly title: string;
  readonly x: { readonly label: string; readonly scale?: "log" };
  readonly y: { readonly label: string; readonly scale?: "log" };
  /** Lines of figures whose names have the x in them, or of series. */
  readonly lines: (report: StoredReport) => readonly { readonly name: string; readonly points: readonly Point[] }[];
};

/** Figures whose names are `pattern` with a number in place of #, by that number. */
function byNumber(report: StoredReport, pattern: string): readonly Point[] {
  const name = new RegExp(`^${pattern.replace("#", "(\\d+)")}$`);
  return Object.entries(report.figures).flatMap(([figure, value]): readonly Point[] => {
    const number = name.exec(figure)?.[1];
    return number === undefined || value === null ? [] : [[Number(number), value]];
  });
}

const encodingRows = [240, 4_096].flatMap((bytes) => [
  { figure: `encode_ns_${bytes}`, name: `encode ${bytes} B, quicproquo`, ours: true },
  { figure: `encode_ns_protobufjs_${bytes}`, name: `encode ${bytes} B, protobufjs` },
  { figure: `encode_ns_capnp_es_${bytes}`, name: `encode ${bytes} B, capnp-es` },
  { figure: `decode_ns_${bytes}`, name: `decode ${bytes} B, quicproquo`, ours: true },
  { figure: `decode_ns_protobufjs_${bytes}`, name: `decode ${bytes} B, protobufjs` },
  { figure: `decode_ns_capnp_es_${bytes}`, name: `decode ${bytes} B, capnp-es` },
]);

const plots: Readonly<Record<string, Bars | Lines>> = {
  "embedded-rates": {
    kind: "bars",
    scenario: "store",
    title: "Durable enqueues a second, embedded store",
    unit: "enqueues/s",
    rows: [
      { figure: "embedded_enqueue_per_s_256", name: "over QUIC", ours: true },
      { figure: "embedded_direct_per_s_256", name: "the store called directly" },
    ],
  },
  "delivery-rates": {
    kind: "bars",
    scenario: "delivery",
    title: "Durable enqueues a second, cluster's store",
    unit: "messages/s",
    rows: [
      { figure: "enqueue_per_s_8x32", name: "quicproquo, 1 front-end", ours: true },
      { figure: "enqueue_per_s_4_processes", name: "quicproquo, 4 front-ends", ours: true },
      { figure: "direct_per_s", name: "the store called directly" },
      { figure: "redis_always_tls_per_s", name: "Redis, fsync always, TLS" },
      { figure: "redis_always_plain_per_s", name: "Redis, fsync always, plain" },
      { figure: "jetstream_always_per_s", name: "JetStream, fsync always, plain" },
      { figure: "jetstream_default_per_s", name: "JetStream, fsync in 2 min, plain" },
      { figure: "rabbitmq_per_s", name: "RabbitMQ quorum queues, plain" },
    ],
  },
  "encoding-times": {
    kind: "bars",
    scenario: "rpc",
    title: "Encoding and decoding an enqueue",
    unit: "ns",
    rows: encodingRows,
  },
  "encoding-bytes": {
    kind: "bars",
    scenario: "encodings",
    title: "An enqueue of 512 B",
    unit: "bytes",
    rows: [
      { figure: "enqueue_protobuf_bytes", name: "Protobuf" },
      { figure: "enqueue_packed_bytes", name: "Cap'n Proto, packed" },
      { figure: "enqueue_bytes", name: "Cap'n Proto", ours: true },
      { figure: "enqueue_rpc_bytes", name: "Cap'n Proto in its RPC Call", ours: true },
    ],
  },
  "echo-rates": {
    kind: "bars",
    scenario: "rpc",
    title: "RPC echo over one TCP connection, 256 calls outstanding",
    unit: "calls/s",
    rows: [
      { figure: "echo_per_s_cpp_ours_256", name: "C++ client, our server", ours: true },
      { figure: "echo_per_s_ours_ours_256", name: "our client, our server", ours: true },
      { figure: "echo_per_s_cpp_cpp_256", name: "C++ client, C++ server" },
    ],
  },
  "transport-cpu": {
    kind: "bars",
    scenario: "transport",
    title: "Server CPU of a 200 B round trip",
    unit: "us",
    rows: [100, 500].flatMap((n) => [
      { figure: `cpu_us_per_rt_${n}`, name: `quicproquo, QUIC, ${n} connections`, ours: true },
      { figure: `cpu_us_per_rt_classes_${n}`, name: `the library's classes, QUIC, ${n}` },
      { figure: `cpu_us_per_rt_node_tls_${n}`, name: `node:tls, TCP, ${n}` },
    ]),
  },
  "mls-steps": {
    kind: "lines",
    scenario: "mls",
    title: "MLS steps by the size of the group",
    x: { label: "members", scale: "log" },
    y: { label: "ms", scale: "log" },
    lines: (report) =>
      ["add", "process_add", "remove", "update", "encrypt", "decrypt"].map((step) => ({
        name: step.replace("_", " "),
        points: byNumber(report, `${step}_ms_#`),
      })),
  },
};

/** By name, in the order above. */
export function drawn(reports: Reports): ReadonlyMap<string, Plot> {
  const made = new Map<string, Plot>();
  for (const [name, plot] of Object.entries(plots)) {
    const report = reports.get(plot.scenario);
    const svg = report === undefined ? undefined : draw(plot, report);
    if (svg !== undefined) made.set(name, { file: `${name}.svg`, description: plot.title, svg });
  }
  return made;
}

/** Which figures the bars above are of. */
export const figuresDrawn = Object.entries(plots).flatMap(([name, plot]) =>
  plot.kind === "lines" ? [] : plot.rows.map(({ figure }) => [name, plot.scenario, figure] as const),
);

function draw(plot: Bars | Lines, report: StoredReport): string | undefined {
  const quick = report.quick ? " (quick)" : "";
  const words = {
    title: `${plot.title}${quick}`,
    description: `Of npm run bench -- ${plot.scenario}, ${report.measuredAt.slice(0, 10)}; its table has the numbers.`,
  };
  if (plot.kind === "lines") {
    const series = plot.lines(report).filter(({ points }) => points.length > 0);
    return series.length === 0 ? undefined : lineChart({ ...words, x: plot.x, y: plot.y, series });
  }
  const bars = plot.rows.flatMap(({ figure, name, ours = false }) => {
    const value = report.figures[figure];
    if (value === null || value === undefined) return [];
    const range = report.spread[figure];
    return [{ name, ours, values: [value], ...(range !== undefined && { spread: [range[0], range[2]] as const }) }];
  });
  const scale = plot.scale === undefined ? {} : { scale: plot.scale };
  return bars.length === 0 ? undefined : barChart({ ...words, x: { label: plot.unit, ...scale }, bars });
}
