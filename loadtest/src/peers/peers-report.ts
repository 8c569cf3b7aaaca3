/** The names, figures and words of the peers scenario: which sides stand against which, at which payloads and callers. */
import type { NatsProgram } from "../delivery/nats.ts";
import { networkHost } from "../delivery/network-host.ts";
import type { Report } from "../report.ts";
import type { ReportNames } from "../report-names.ts";
import { Rows, type Samples } from "../samples.ts";
import { connections, type PeerName } from "./sides.ts";

const ours = ["embedded", "cluster", "embedded_network", "embedded_calls", "cluster_calls"] as const;
/** Durable before they acknowledge, and encrypted, as ours are. */
const equals = ["redis_always_tls", "jetstream_always_tls", "rabbitmq_tls"] as const;
/** Also with what else our enqueue promises, as near as they can be brought. */
const guaranteed = ["redis_equal_tls", "jetstream_equal_tls"] as const;
/** Less than ours: not encrypted, or not on the disk when it is acknowledged. */
const lesser = ["redis_always_plain", "jetstream_default_tls"] as const;
const others = [...equals, ...guaranteed, ...lesser] as const;
const all: readonly PeerName[] = [...ours, ...others];

type Measure = "per_s" | "p50_ms" | "p99_ms" | "server_cpu_us" | "client_cpu_us";
const measures: readonly Measure[] = ["per_s", "p50_ms", "p99_ms", "server_cpu_us", "client_cpu_us"];

export type Shape = {
  readonly name: string;
  readonly payloadBytes: number;
  readonly callers: number;
  readonly connections: number;
  readonly figure: (side: PeerName, measure: Measure) => string;
  readonly ratio: (side: PeerName, other: PeerName) => string;
};

/** The first is the one that names without a suffix mean. */
export const shapes: readonly [Shape, ...Shape[]] = [
  shapeOf({ suffix: "", payloadBytes: 512, callers: 256, connections }),
  shapeOf({ suffix: "_2048", payloadBytes: 2_048, callers: 256, connections }),
  shapeOf({ suffix: "_1x16", payloadBytes: 512, callers: 16, connections: 1 }),
];

type Sizes = { readonly suffix: string } & Pick<Shape, "payloadBytes" | "callers" | "connections">;

function shapeOf({ suffix, ...sizes }: Sizes): Shape {
  return {
    ...sizes,
    name: `${sizes.payloadBytes} B, ${sizes.callers} callers on ${sizes.connections} ${sizes.connections === 1 ? "connection" : "connections"}`,
    figure: (side, measure) => `${side}_${measure}${suffix}`,
    ratio: (side, other) => `${side}_vs_${other}${suffix}`,
  };
}

const fsyncsOf = (side: PeerName): string => `fsyncs_per_ack_1_caller_${side}`;

export function namesOf(): ReportNames {
  return {
    figures: [
      ...shapes.flatMap(({ figure }) => all.flatMap((side) => measures.map((measure) => figure(side, measure)))),
      ...all.map(fsyncsOf),
    ],
    ratios: shapes.flatMap(({ ratio }) => ours.flatMap((side) => others.map((other) => ratio(side, other)))),
  };
}

export type Told = {
  readonly runs: number;
  readonly quick: boolean;
  readonly nats: NatsProgram;
  readonly onTwoCores: boolean;
  readonly encryptions: readonly string[];
  /** Why fsyncs could not be counted. */
  readonly fsyncFault: string | undefined;
};

export function reportOf(samples: Samples, told: Told): Omit<Report, "scenario" | "host"> {
  const rows = new Rows();
  for (const name of namesOf().figures) rows.figure(name, samples.of(name));
  for (const { figure, ratio } of shapes) {
    for (const side of ours) {
      for (const other of others) {
        rows.ratio(ratio(side, other), samples.ratios(figure(side, "per_s"), figure(other, "per_s")));
      }
    }
  }
  const { figures, ratios, spread } = rows;
  return { runs: told.runs, figures, ratios, spread, notes: [...reasons(told), ...meanings(told)] };
}

function meanings({ nats, onTwoCores, encryptions }: Told): readonly string[] {
  return [
    `names without a suffix: ${shapes[0].name}; _2048: ${shapes[1]?.name}; _1x16: ${shapes[2]?.name}. One server and one client process a side (cluster: and its Postgres and Redis), ${onTwoCores ? "all on the same two cores" : "not held to two cores"}; all are connected all the time, one is measured at a time`,
    "embedded, cluster: the SDK gathers what callers send in one turn into one Session.send, as ioredis does by pipelines; each caller has its own acknowledgement. embedded_calls_X, cluster_calls_X: the same front-end, an enqueue call a message",
    "embedded_network_X: the same store, by an address of this machine that is not its loopback: ours then sends datagrams of 1,232 B as over a network, instead of 9,000; the brokers' TCP has the loopback's 64 KB in any case",
    "*_server_cpu_us, *_client_cpu_us: user and system a message, of all processes of the server side, and of the client",
    "the same promise: redis_always_tls (XADD to a stream an inbox, appendfsync always, ioredis autopipelined), jetstream_always_tls (sync_interval always, a subject an inbox, over 8 streams that it syncs at the same time, asynchronous publish) and rabbitmq_tls (quorum queues, a queue a connection, publisher confirms) are on the disk before the acknowledgement and encrypted on the way, as ours are",
    "what ours does beyond: a fresh idempotency key each, a depth, seqs without gaps and a share of each sender. redis_equal_tls does key, depth and seqs in one Lua call; jetstream_equal_tls has message ids and a depth a subject, without gapless seqs an inbox",
    `less than ours: redis_always_plain is not encrypted; jetstream_default_tls (nats-server ${nats.version}) fsyncs every 2 minutes, so a power cut loses what was acknowledged since`,
    `encrypted: ${encryptions.join("; ")}`,
    "fsyncs_per_ack_1_caller_X: fsync and fdatasync of all processes of the server, counted by strace while one caller waits for each answer: 1 or more is durable before the acknowledgement. All that was acknowledged meanwhile was then counted on the server. RabbitMQ: https://github.com/rabbitmq/ra/blob/main/docs/internals/LOG.md says the same",
  ];
}

/** Why something is null. */
function reasons({ quick, nats, fsyncFault }: Told): readonly string[] {
  return [
    ...(fsyncFault === undefined ? [] : [`fsyncs_per_ack_1_caller_*: strace cannot count them here: ${fsyncFault}`]),
    ...(quick ? ["*rabbitmq_tls*: not with --quick, which has no time for its start"] : []),
    ...(quick ? ["*_2048, *_1x16: not with --quick"] : []),
    ...(networkHost() === undefined ? ["*embedded_network*: this machine has no address but its loopback's"] : []),
    ...(nats.canFsyncAlways
      ? []
      : [
          "*jetstream_always_tls*, *jetstream_equal_tls*: need nats-server 2.10 or later, which is built from source where there is Go, and not with --quick",
        ]),
  ];
}
