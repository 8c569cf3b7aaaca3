/**
 * The transport alone, without RPC: what a round trip of 200 B costs our QUIC server beside the JavaScript classes of the
 * same QUIC library and beside node:tls over TCP, what a handshake costs, and what an idle connection keeps.
 */
import { makeCertificate } from "../../../services/transport/test/certificate.ts";
import { type Cores, coresOfTwo } from "../pinned.ts";
import { Progress } from "../progress.ts";
import type { Report } from "../report.ts";
import { Rows, Samples } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { type CrowdOptions, measureHandshakes, measureMemory } from "../transport/crowd.ts";
import type { ServerTask } from "../transport/echo-server.ts";
import { messageBytes } from "../transport/load.ts";
import { LoadedSide, type Side, sides, type Window } from "../transport/sides.ts";

const numbers = [100, 500] as const;
const sideNames = Object.keys(sides) as readonly Side[];
const idle = { few: 1_000, many: 10_000 } as const;
/** Handshakes and memory need a fresh server each time, so they have fewer runs than the round trips. */
const crowdRuns = 3;

type Measurement = {
  readonly samples: Samples;
  readonly progress: Progress;
  readonly options: CrowdOptions;
  readonly quick: boolean;
  readonly runs: number;
};

const others = ["classes", "node_tls"] as const satisfies readonly Side[];
const figureOf = (side: Side): string => (side === "ours" ? "" : `_${side}`);

export const transportScenario: Scenario = {
  doc: "QUIC round trips, handshakes and idle connections, beside the library's own classes and node:tls",
  names: {
    figures: [
      ...numbers.flatMap((connections) =>
        sideNames.flatMap((side) =>
          ["rt_per_s", "cpu_us_per_rt"].map((figure) => `${figure}${figureOf(side)}_${connections}`),
        ),
      ),
      "handshakes_per_s",
      "cpu_ms_per_handshake",
      "kb_per_connection_1000",
      "kb_marginal_1000_to_10000",
    ],
    ratios: numbers.flatMap((connections) => others.map((side) => `cpu_vs_${side}_${connections}`)),
  },
  async run({ quick, say }: RunOptions) {
    const runs = quick ? 7 : 11;
    const cores = coresOfTwo();
    say(`${messageBytes} B there and back, one message under way on each connection; server and client pinned apart`);
    const samples = new Samples();
    const progress = new Progress(runs * numbers.length + crowdRuns * 2);
    const measurement = { samples, progress, options: { ...(await pemCertificate()), cores }, quick, runs };
    for (const connections of numbers) await measureRoundTrips(measurement, connections);
    for (let run = 0; run < crowdRuns; run++) await measureCrowd(measurement);
    return reportOf(measurement, cores);
  },
};

async function measureRoundTrips(measurement: Measurement, connections: number): Promise<void> {
  const { samples, progress, options, quick, runs } = measurement;
  // Short windows by turns: what else the machine does hits all sides alike.
  const window: Window = quick ? { warmUpMs: 60, windowMs: 240 } : { warmUpMs: 200, windowMs: 1_000 };
  await using loaded = new AsyncDisposableStack();
  const started = new Map<Side, LoadedSide>();
  const starts = sideNames.map(async (side) =>
    started.set(side, await LoadedSide.start(side, { ...options, connections })),
  );
  await Promise.all(starts);
  for (const side of started.values()) loaded.use(side);
  // A second for each, so that what is counted is compiled code.
  for (const side of started.values()) await side.measure({ warmUpMs: 900, windowMs: 100 });
  for (let run = 0; run < runs; run++) {
    for (const side of run % 2 === 0 ? sideNames : sideNames.toReversed()) {
      const result = await (started.get(side) as LoadedSide).measure(window);
      samples.add(`${side}_cpu_${connections}`, result.cpuUs);
      samples.add(`${side}_rate_${connections}`, result.perSecond);
    }
    const cpuUs = sideNames.map((side) => `${side} ${samples.of(`${side}_cpu_${connections}`)[run]?.toFixed(1)}`);
    progress.step(`${connections} connections, us of server CPU a round trip: ${cpuUs.join(", ")}`);
  }
}

async function measureCrowd({ samples, progress, options, quick }: Measurement): Promise<void> {
  const window: Window = quick ? { warmUpMs: 400, windowMs: 800 } : { warmUpMs: 1_000, windowMs: 3_000 };
  const { perSecond, cpuMs } = await measureHandshakes(options, window);
  samples.add("handshakes_per_s", perSecond);
  samples.add("cpu_ms_per_handshake", cpuMs);
  progress.step(`${Math.round(perSecond)} handshakes/s, ${cpuMs.toFixed(2)} ms of server CPU each`);
  const [none = 0, few = 0, many] = await measureMemory(options, quick ? [idle.few] : [idle.few, idle.many]);
  const kb = (few - none) / idle.few / 1_024;
  samples.add("kb_per_connection", kb);
  if (many !== undefined) samples.add("kb_marginal", (many - few) / (idle.many - idle.few) / 1_024);
  progress.step(`${kb.toFixed(1)} KB an idle connection at ${idle.few}`);
}

function reportOf({ samples, quick, runs }: Measurement, cores: Cores | undefined): Omit<Report, "scenario" | "host"> {
  const rows = new Rows();
  for (const connections of numbers) {
    for (const side of sideNames) {
      const of = figureOf(side);
      rows.figure(`rt_per_s${of}_${connections}`, samples.of(`${side}_rate_${connections}`));
      rows.figure(`cpu_us_per_rt${of}_${connections}`, samples.of(`${side}_cpu_${connections}`));
    }
    for (const side of others) {
      const ratios = samples.ratios(`ours_cpu_${connections}`, `${side}_cpu_${connections}`);
      rows.ratio(`cpu_vs_${side}_${connections}`, ratios);
    }
  }
  rows.figure("handshakes_per_s", samples.of("handshakes_per_s"));
  rows.figure("cpu_ms_per_handshake", samples.of("cpu_ms_per_handshake"));
  rows.figure("kb_per_connection_1000", samples.of("kb_per_connection"));
  rows.figure("kb_marginal_1000_to_10000", samples.of("kb_marginal"));
  return { runs, figures: rows.figures, ratios: rows.ratios, spread: rows.spread, notes: notesOf(quick, cores) };
}

function notesOf(quick: boolean, cores: Cores | undefined): readonly string[] {
  const notes = [
    `runs: those of the round trips; handshakes and memory had ${crowdRuns}`,
    "CPU: user and system of the server's process within the window; the QUIC servers get the same client, node:tls one of its own",
    "handshakes: full ones, 16 at once from one process, each closed at once; the rate may be the client's limit, the CPU is the server's",
    "kb: resident bytes of the server after garbage collection beyond those with no connection, per idle connection; 1 KB = 1,024 B",
    cores === undefined
      ? "not pinned: there is no taskset, or only one core"
      : `client on core ${cores.client}, server on core ${cores.server}, for every side`,
  ];
  return quick
    ? [...notes, "kb_marginal_1000_to_10000: not measured with --quick, 10,000 handshakes take too long"]
    : notes;
}

async function pemCertificate(): Promise<ServerTask> {
  const { certificate, privateKey } = await makeCertificate();
  return { certificate: pemOf(certificate, "CERTIFICATE"), privateKey: pemOf(privateKey, "PRIVATE KEY") };
}

function pemOf(der: Uint8Array, label: string): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
