/**
 * What a client costs a front-end that has a connection of its own and waits for its next message, as almost all clients
 * do almost always: its arrival (handshake, session, the first look at the store), what it keeps, and its signs of life.
 */
import { setTimeout } from "node:timers/promises";
import { ensurePostgres, ensureRedis } from "../../../scripts/apt.ts";
import { type Cluster, startCluster } from "../delivery/cluster.ts";
import { memoryWith, parked, startCollecting, waitMs } from "../delivery/collecting.ts";
import type { FrontEnd } from "../delivery/front-ends.ts";
import { startProgram } from "../delivery/load.ts";
import { Progress } from "../progress.ts";
import { Rows, Samples } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";

type Plan = { readonly runs: number; readonly clients: number; readonly idleMs: number };
/** idleMs: whole turns of a client's signs of life, which come every 10 s. */
const plans: Record<"quick" | "full", Plan> = {
  quick: { runs: 1, clients: 1_000, idleMs: 10_000 },
  full: { runs: 3, clients: 2_000, idleMs: 20_000 },
};
/** So many come first: code compiled, tables grown. */
const first = 100;

const figures = ["arrival_cpu_ms", "client_resident_kb", "client_heap_kb", "idle_cpu_us_per_s"] as const;

export const waitingScenario: Scenario = {
  doc: "a client on a connection of its own that waits: its arrival, what it keeps, its signs of life",
  names: { figures, ratios: [] },
  async run({ quick, say }: RunOptions) {
    ensurePostgres();
    ensureRedis();
    const plan = quick ? plans.quick : plans.full;
    say(`${plan.clients} clients, each with a connection and a parked fetchWait`);
    const samples = new Samples();
    const progress = new Progress(plan.runs);
    await using cluster = await startCluster();
    for (let run = 0; run < plan.runs; run++) {
      await measureClients(cluster, { plan, samples, run });
      const shown = (name: string, digits: number): string | undefined => samples.of(name)[run]?.toFixed(digits);
      progress.step(
        `arrival ${shown("arrival_cpu_ms", 2)} ms, ${shown("client_resident_kb", 1)} KB, idle ${shown("idle_cpu_us_per_s", 1)} us/s`,
      );
    }
    const rows = new Rows();
    for (const name of figures) rows.figure(name, samples.of(name));
    const notes = [
      `of one client among ${plan.clients}, beyond what the process keeps and uses with ${first}; fresh front-end each run, on Postgres and Redis`,
      "arrival_cpu_ms: user and system of the front-end: full handshake, RPC session, fetchWait with its first look at the store",
      "client_resident_kb: resident memory, client_heap_kb: heap and external memory, after garbage collection; 1 KB = 1,024 B",
      "idle_cpu_us_per_s: user and system of the front-end a second and client, for its pings (one in 10 s)",
    ];
    return { runs: plan.runs, figures: rows.figures, ratios: rows.ratios, spread: rows.spread, notes };
  },
};

type Turn = { readonly plan: Plan; readonly samples: Samples; readonly run: number };

async function measureClients({ address }: Cluster, { plan, samples, run }: Turn): Promise<void> {
  const { clients, idleMs } = plan;
  const limits = { "connections-per-address-max": clients + first, "waiters-max": clients + first };
  await using frontEnd = await startCollecting(address, limits);
  await using early = startProgram("wait");
  const come = async (load: typeof early, count: number): Promise<void> => {
    await load.ask("connect", { frontEnds: [frontEnd.address], connections: count });
    await load.ask("park", { inboxes: `waiting ${run} of ${count}`, count, waitMs });
  };
  await come(early, first);
  const from = await memoryWith(frontEnd, first);
  // as long as the other: the page that says it costs the same in both
  const baselineUs = await cpuWithin(frontEnd, idleMs);
  await using load = startProgram("wait");
  const [beganUs, beganMs] = [await frontEnd.cpuUs(), performance.now()];
  await come(load, clients);
  await parked(frontEnd, first + clients);
  const arrivalUs = (await frontEnd.cpuUs()) - beganUs - (baselineUs / idleMs) * (performance.now() - beganMs);
  const to = await memoryWith(frontEnd, first + clients);
  const idleUs = (await cpuWithin(frontEnd, idleMs)) - baselineUs;
  samples.add("arrival_cpu_ms", arrivalUs / 1_000 / clients);
  samples.add("client_resident_kb", (to.residentBytes - from.residentBytes) / 1_024 / clients);
  const kept = to.heapBytes + to.externalBytes - from.heapBytes - from.externalBytes;
  samples.add("client_heap_kb", kept / 1_024 / clients);
  samples.add("idle_cpu_us_per_s", idleUs / (idleMs / 1_000) / clients);
}

async function cpuWithin(frontEnd: FrontEnd, ms: number): Promise<number> {
  const fromUs = await frontEnd.cpuUs();
  await setTimeout(ms);
  return (await frontEnd.cpuUs()) - fromUs;
}
