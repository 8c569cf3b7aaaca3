/** Which figures are drawn, as data: a line here is a plot on the page, once the template names it. */
import type { Point } from "../plot/line-chart.ts";
import type { StoredReport } from "./stored-report.ts";

/** A bar of one figure; or, where the chart has parts, of parts, each the sum of its figures. */
type Row = {
  readonly name: string;
  readonly figures: readonly (string | readonly string[])[];
  readonly ours?: boolean;
};

export type Bars = {
  readonly kind: "bars";
  readonly scenario: string;
  readonly title: string;
  readonly unit: string;
  readonly scale?: "log";
  readonly parts?: readonly string[];
  readonly rows: readonly Row[];
};

export type Lines = {
  readonly kind: "lines";
  readonly scenario: string;
  readonly title: string;
  readonly x: { readonly label: string; readonly scale?: "log" };
  readonly y: { readonly label: string; readonly scale?: "log" };
  /** Of figures whose names have the x in them, or of series. */
  readonly lines: (report: StoredReport) => readonly { readonly name: string; readonly points: readonly Point[] }[];
};

/** A bar of one figure; ours if it says so. */
const bar = (figure: string, name: string): Row => ({ figures: [figure], name });
const ours = (figure: string, name: string): Row => ({ figures: [figure], name, ours: true });

/** Figures whose names are `pattern` with a number in place of #, by that number. */
function byNumber(report: StoredReport, pattern: string): readonly Point[] {
  const name = new RegExp(`^${pattern.replace("#", "(\\d+)")}$`);
  return Object.entries(report.figures).flatMap(([figure, value]): readonly Point[] => {
    const number = name.exec(figure)?.[1];
    return number === undefined || value === null ? [] : [[Number(number), value]];
  });
}

/** Series whose names begin with one of these, over the minutes of a run. */
function byMinute(report: StoredReport, kinds: readonly string[]): ReturnType<Lines["lines"]> {
  return Object.entries(report.series ?? {})
    .filter(([name]) => kinds.some((kind) => name.startsWith(kind)))
    .map(([name, points]) => ({ name: name.replace("_by_minute", ""), points }));
}

/** Sides of the peers scenario. */
const peers = [
  ["embedded", "quicproquo, embedded store"],
  ["embedded_network", "the same, datagrams as in a network"],
  ["cluster", "quicproquo, cluster's store"],
  ["redis_always_tls", "Redis streams, fsync always"],
  ["redis_equal_tls", "Redis, with the guarantees of ours"],
  ["jetstream_always_tls", "JetStream, fsync always"],
  ["jetstream_equal_tls", "JetStream, with the guarantees of ours"],
  ["rabbitmq_tls", "RabbitMQ quorum queues"],
  ["jetstream_default_tls", "JetStream, fsync in 2 min: not durable"],
  ["redis_always_plain", "Redis streams, fsync always, plain"],
] as const;

function peerRows(figures: (side: string) => readonly string[]): readonly Row[] {
  return peers.map(([side, name], i) => ({ figures: figures(side), name, ours: i < 3 }));
}

const encodingRows = [240, 4_096].flatMap((bytes) => [
  ours(`encode_ns_${bytes}`, `encode ${bytes} B, quicproquo`),
  bar(`encode_ns_protobufjs_${bytes}`, `encode ${bytes} B, protobufjs`),
  bar(`encode_ns_capnp_es_${bytes}`, `encode ${bytes} B, capnp-es`),
  ours(`decode_ns_${bytes}`, `decode ${bytes} B, quicproquo`),
  bar(`decode_ns_protobufjs_${bytes}`, `decode ${bytes} B, protobufjs`),
  bar(`decode_ns_capnp_es_${bytes}`, `decode ${bytes} B, capnp-es`),
]);

export const plotTable: Readonly<Record<string, Bars | Lines>> = {
  "embedded-rates": {
    kind: "bars",
    scenario: "store",
    title: "Durable enqueues a second, embedded store",
    unit: "enqueues/s",
    rows: [
      ours("embedded_enqueue_per_s_256", "over QUIC"),
      bar("embedded_direct_per_s_256", "the store called directly"),
    ],
  },
  "delivery-rates": {
    kind: "bars",
    scenario: "delivery",
    title: "Durable enqueues a second, cluster's store",
    unit: "messages/s",
    rows: [
      ours("enqueue_per_s_8x32", "quicproquo, 1 front-end"),
      ours("enqueue_per_s_4_processes", "quicproquo, 4 front-ends"),
      bar("direct_per_s", "the store called directly"),
      bar("redis_always_tls_per_s", "Redis, fsync always, TLS"),
      bar("redis_always_plain_per_s", "Redis, fsync always, plain"),
      bar("jetstream_always_per_s", "JetStream, fsync always, plain"),
      bar("jetstream_default_per_s", "JetStream, fsync in 2 min, plain"),
      bar("rabbitmq_per_s", "RabbitMQ quorum queues, plain"),
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
      bar("enqueue_protobuf_bytes", "Protobuf"),
      bar("enqueue_packed_bytes", "Cap'n Proto, packed"),
      ours("enqueue_bytes", "Cap'n Proto"),
      ours("enqueue_rpc_bytes", "Cap'n Proto in its RPC Call"),
    ],
  },
  "echo-rates": {
    kind: "bars",
    scenario: "rpc",
    title: "RPC echo over one TCP connection, 256 calls outstanding",
    unit: "calls/s",
    rows: [
      ours("echo_per_s_cpp_ours_256", "C++ client, our server"),
      ours("echo_per_s_ours_ours_256", "our client, our server"),
      bar("echo_per_s_cpp_cpp_256", "C++ client, C++ server"),
    ],
  },
  "transport-cpu": {
    kind: "bars",
    scenario: "transport",
    title: "Server CPU of a 200 B round trip",
    unit: "us",
    rows: [100, 500].flatMap((n) => [
      ours(`cpu_us_per_rt_${n}`, `quicproquo, QUIC, ${n} connections`),
      bar(`cpu_us_per_rt_classes_${n}`, `the library's classes, QUIC, ${n}`),
      bar(`cpu_us_per_rt_node_tls_${n}`, `node:tls, TCP, ${n}`),
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
  "peer-rates": {
    kind: "bars",
    scenario: "peers",
    title: "Durable enqueues a second, encrypted, 512 B, 256 callers on 8 connections",
    unit: "messages/s",
    rows: peerRows((side) => [`${side}_per_s`]),
  },
  "peer-cpu": {
    kind: "bars",
    scenario: "peers",
    title: "CPU of a durable message, all processes of both sides",
    unit: "us",
    parts: ["server", "client"],
    rows: peerRows((side) => [`${side}_server_cpu_us`, `${side}_client_cpu_us`]),
  },
  "push-latency": {
    kind: "lines",
    scenario: "push-latency",
    title: "From due to pushed, by the rate of messages",
    x: { label: "messages/s" },
    y: { label: "ms", scale: "log" },
    lines: (report) =>
      ["embedded", "cluster"].flatMap((store) =>
        ["p50", "p99", "p999"].map((p) => ({
          name: `${p === "p999" ? "p99.9" : p}, ${store}`,
          points: byNumber(report, `push_${p}_ms_#_${store}`),
        })),
      ),
  },
  "crowd-memory": {
    kind: "bars",
    scenario: "crowd",
    title: "Memory of a connected client with a subscription",
    unit: "KB",
    rows: [
      ours("client_resident_kb", "resident, all of it"),
      bar("client_heap_kb", "of it JavaScript heap"),
      bar("client_external_kb", "of it external"),
    ],
  },
  "storm-times": {
    kind: "bars",
    scenario: "storm",
    title: "After kill -9 and restart, from the restart on",
    unit: "ms",
    rows: [
      ours("storm_first_back_ms", "the first client is back"),
      ours("storm_median_back_ms", "half of them"),
      ours("storm_last_back_ms", "the last"),
      bar("storm_cpu_bound_ms", "CPU of all handshakes / cores"),
    ],
  },
  "soak-memory": {
    kind: "lines",
    scenario: "soak",
    title: "Memory at half of the capacity",
    x: { label: "minutes" },
    y: { label: "MB" },
    lines: (report) => byMinute(report, ["heap_mb", "rss_mb", "redis_mb"]),
  },
  "soak-disk": {
    kind: "lines",
    scenario: "soak",
    title: "Tables and log at half of the capacity",
    x: { label: "minutes" },
    y: { label: "MB" },
    lines: (report) => byMinute(report, ["tables_mb", "wal_mb", "store_mb"]),
  },
  "soak-latency": {
    kind: "lines",
    scenario: "soak",
    title: "From due to received at half of the capacity",
    x: { label: "minutes" },
    y: { label: "ms", scale: "log" },
    lines: (report) => byMinute(report, ["p50_ms", "p99_ms"]),
  },
  "process-cpu": {
    kind: "bars",
    scenario: "processes",
    title: "CPU of front-ends a message, the same load a process",
    unit: "us",
    rows: [1_000, 2_000].flatMap((rate) => [
      ours(`cpu_us_per_message_1_at_${rate}`, `1 process, ${rate} messages/s each`),
      ours(`cpu_us_per_message_4_at_${rate}`, `4 processes, ${rate} messages/s each`),
    ]),
  },
  "cpu-split": {
    kind: "bars",
    scenario: "profile",
    title: "CPU of a front-end a message, by what it does",
    unit: "us",
    parts: ["QUIC", "sockets", "RPC", "delivery", "store client", "observe", "garbage", "other"],
    rows: ["cluster_enqueue", "cluster_subscribe", "embedded_enqueue", "embedded_subscribe"].map((path) => {
      const of = (part: string): string => `${path}_${part}_us_per_message`;
      const parts = ["sockets", "rpc", "delivery", "store", "observe", "gc"].map(of);
      const figures = [[of("quic"), of("quic_native")], ...parts, [of("native"), of("other")]];
      return { name: path.replace("_", ", "), figures };
    }),
  },
};

/** Which figures the bars are of. */
export const figuresDrawn = Object.entries(plotTable).flatMap(([name, plot]) =>
  plot.kind === "lines"
    ? []
    : plot.rows.flatMap(({ figures }) => figures.flat().map((figure) => [name, plot.scenario, figure] as const)),
);
