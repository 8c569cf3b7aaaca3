/**
 * What `qpq-server plan` predicts beside what is measured: durable messages/s and memory, at payload sizes and numbers of
 * front-ends that its costs were not fitted to; and, not with --quick, those that they were.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ensurePostgres, ensureRedis } from "../../../scripts/apt.ts";
import type { Window } from "../closed-loop.ts";
import { startCluster } from "../delivery/cluster.ts";
import { memoryWith, startCollecting, waitMs } from "../delivery/collecting.ts";
import { startProgram } from "../delivery/load.ts";
import { callsPerConnection, type PlannedSide, type SideSize, startPlannedSide } from "../delivery/planned.ts";
import { Progress } from "../progress.ts";
import { Rows, Samples } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";

type Point = SideSize & { readonly payloadBytes: number };
const point = (payloadBytes: number, processes: number, connections = 8): Point => ({
  payloadBytes,
  processes,
  connections,
});

/** The costs of services/server/src/ops/throughput-model.ts are fitted to these. */
const fitted = [
  point(512, 1),
  point(512, 1, 256),
  point(1_536, 1),
  point(8_192, 1),
  point(512, 4),
  point(512, 0),
  point(1_536, 0),
] as const;
/** And not to these. */
const foretold = [point(2_048, 1), point(512, 2), point(2_048, 2)] as const;

/** Of the fitted ones, what a run is scaled by. */
const reference = "512x1";

type Plan = { readonly runs: number; readonly window: Window; readonly points: readonly Point[] };
const plans: Record<"quick" | "full", Plan> = {
  quick: {
    runs: 3,
    window: { warmUpMs: 200, windowMs: 800 },
    points: [point(512, 1), point(2_048, 1), point(2_048, 2)],
  },
  full: { runs: 3, window: { warmUpMs: 300, windowMs: 1_200 }, points: [...fitted, ...foretold] },
};
/** Makes processes warm, so that what is counted is compiled code, and isn't counted. */
const warming: Window = { warmUpMs: 700, windowMs: 300 };

const waiting = { frontEnds: 2, quick: 1_000, full: 3_000 } as const;

const pointNames = plans.full.points.map(nameOf);
const costNames = ["front_ends_us", "main_us", "database_us", "callers_us"] as const;

export const planScenario: Scenario = {
  doc: "what qpq-server plan predicts of throughput and memory, beside what is measured",
  names: {
    figures: [
      ...pointNames.flatMap((name) => ["per_s", "planned_per_s", ...costNames].map((figure) => `${figure}_${name}`)),
      "memory_mb",
      "planned_memory_mb",
    ],
    ratios: [
      ...pointNames.flatMap((name) => [
        `planned_vs_measured_${name}`,
        ...(name === reference ? [] : [`planned_vs_measured_${name}_by_${reference}`]),
      ]),
      "planned_vs_measured_memory",
    ],
  },
  async run({ quick, say }: RunOptions) {
    ensurePostgres();
    ensureRedis();
    const plan = quick ? plans.quick : plans.full;
    const clients = quick ? waiting.quick : waiting.full;
    say(`${plan.points.map(nameOf).join(", ")}; then ${clients} waiting clients of ${waiting.frontEnds} front-ends`);
    const samples = new Samples();
    const rows = new Rows();
    const progress = new Progress((plan.runs + 1) * plan.points.length + 1);
    await measureThroughput(plan, samples, progress);
    const plannedPerSecond = new Map<string, number>();
    for (const each of plan.points) {
      const { messagesPerSecond } = (await planned(flagsOf(each))).throughput;
      plannedPerSecond.set(nameOf(each), messagesPerSecond);
    }
    addThroughput(plannedPerSecond, samples, rows);
    const measuredBytes = await measureMemory(clients);
    const limits = { store: "cluster", "connections-max": clients / waiting.frontEnds };
    const { memoryBytes: plannedBytes } = await planned({ users: clients, ...limits });
    progress.step(`${clients} clients: ${Math.round(measuredBytes / 1e6)} MB`);
    rows.figure("memory_mb", [measuredBytes / 1e6]);
    rows.figure("planned_memory_mb", [plannedBytes / 1e6]);
    rows.ratio("planned_vs_measured_memory", [plannedBytes / measuredBytes]);
    const notes = [
      "SIZExN: payload bytes x front-ends on one cluster, 256 callers on 8 connections; _own: on 256; embedded_SIZE: one process on the embedded store; all processes, callers too, share the machine's cores",
      "planned_*: what qpq-server plan --json says with the same flags; ratio: planned / measured, each run's; 1 is a perfect prediction",
      `_by_${reference}: the same, with what is planned scaled by this run's own ${reference}: other machines are faster or slower, and this one may have had other work`,
      "*_us: CPU a message, user and system, of all processes of that kind; main_us: of the front-ends' first threads",
      `memory: resident, after garbage collection, of ${waiting.frontEnds} front-ends with ${clients} waiting clients in all, each with a connection`,
    ];
    const left = pointNames.filter((name) => !plannedPerSecond.has(name));
    if (left.length > 0) notes.push(`${left.map((name) => `*_${name}, *_${name}_*`).join(", ")}: left out by --quick`);
    return { runs: plan.runs, figures: rows.figures, ratios: rows.ratios, spread: rows.spread, notes };
  },
};

/** By turns, in the other order in every second run. */
async function measureThroughput(plan: Plan, samples: Samples, progress: Progress): Promise<void> {
  await using started = new AsyncDisposableStack();
  const sides = new Map<string, PlannedSide>();
  const sideOf = ({ processes, connections }: SideSize): string => `${processes} ${connections}`;
  for (const each of plan.points) {
    if (!sides.has(sideOf(each))) sides.set(sideOf(each), started.use(await startPlannedSide(each)));
  }
  const run = async (each: Point, window: Window) =>
    await (sides.get(sideOf(each)) as PlannedSide).run(each.payloadBytes, window);
  for (const each of plan.points) {
    await run(each, warming);
    progress.step(`${nameOf(each)}: warm`);
  }
  for (let i = 0; i < plan.runs; i++) {
    for (const each of i % 2 === 0 ? plan.points : plan.points.toReversed()) {
      const costs = await run(each, plan.window);
      const name = nameOf(each);
      samples.add(`per_s_${name}`, costs.perSecond);
      samples.add(`front_ends_us_${name}`, costs.frontEndsUs);
      samples.add(`main_us_${name}`, costs.mainThreadsUs);
      samples.add(`database_us_${name}`, costs.databaseUs);
      samples.add(`callers_us_${name}`, costs.callersUs);
      progress.step(`${name}: ${Math.round(costs.perSecond)}/s`);
    }
  }
}

/** Of each point, by its name. */
function addThroughput(plannedPerSecond: ReadonlyMap<string, number>, samples: Samples, rows: Rows): void {
  const own = samples.of(`per_s_${reference}`);
  for (const name of pointNames) {
    const perSecond = plannedPerSecond.get(name);
    const measured = samples.of(`per_s_${name}`);
    rows.figure(`per_s_${name}`, measured);
    rows.figure(`planned_per_s_${name}`, perSecond === undefined ? [] : [perSecond]);
    for (const cost of costNames) rows.figure(`${cost}_${name}`, samples.of(`${cost}_${name}`));
    const ratios = perSecond === undefined ? [] : measured.map((each) => perSecond / each);
    rows.ratio(`planned_vs_measured_${name}`, ratios);
    if (name === reference) continue;
    const scales = own.map((each) => each / (plannedPerSecond.get(reference) as number));
    rows.ratio(
      `planned_vs_measured_${name}_by_${reference}`,
      ratios.map((ratio, run) => ratio * (scales[run] as number)),
    );
  }
}

function flagsOf(each: Point): Flags {
  return {
    users: 1,
    store: each.processes === 0 ? "sqlite" : "cluster",
    processes: Math.max(1, each.processes),
    "payload-bytes": each.payloadBytes,
    "calls-per-connection": callsPerConnection(each),
    "with-callers": true,
  };
}

function nameOf({ payloadBytes, processes, connections }: Point): string {
  if (processes === 0) return `embedded_${payloadBytes}`;
  return `${payloadBytes}x${processes}${connections === 256 ? "_own" : ""}`;
}

type Flags = Readonly<Record<string, string | number | true>>;
type Planned = { readonly memoryBytes: number; readonly throughput: { readonly messagesPerSecond: number } };

/** As an operator asks for it. */
async function planned(flags: Flags): Promise<Planned> {
  const program = fileURLToPath(new URL("../../../services/server/bin/qpq-server.mjs", import.meta.url));
  const words = Object.entries(flags).map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`));
  // a database that it never opens
  const database = flags["store"] === "cluster" ? { QPQ_DATABASE_URL: "postgres://planned.example/qpq" } : {};
  const env = { PATH: process.env["PATH"], ...database };
  const { stdout } = await promisify(execFile)(process.execPath, [program, "plan", "--json", ...words], { env });
  return JSON.parse(stdout) as Planned;
}

/** Of all front-ends together. */
async function measureMemory(clients: number): Promise<number> {
  await using started = new AsyncDisposableStack();
  const { address } = started.use(await startCluster());
  const limits = { "connections-per-address-max": clients, "waiters-max": clients };
  const start = async () => started.use(await startCollecting(address, limits));
  const frontEnds = [await start(), await start()] as const;
  const load = started.use(startProgram("wait"));
  await load.ask("connect", { frontEnds: frontEnds.map((each) => each.address), connections: clients });
  await load.ask("park", { inboxes: "planned", count: clients, waitMs });
  let bytes = 0;
  for (const each of frontEnds) bytes += (await memoryWith(each, clients / frontEnds.length)).residentBytes;
  return bytes;
}
