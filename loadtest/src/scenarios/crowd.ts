/**
 * Many clients on one server process, each with a connection and a subscription of its own, as almost all clients are almost
 * always: what they keep, what their signs of life cost, and how long one waits for its message.
 */
import { setTimeout } from "node:timers/promises";
import { Crowd } from "../crowd/crowd.ts";
import { startCrowdFrontEnd, startCrowdStore } from "../crowd/crowd-front-end.ts";
import { clientsOf, crowdOptions, positiveOf, storeOf } from "../crowd/flags.ts";
import { failuresOf, outcomeOf } from "../crowd/outcome.ts";
import { Senders } from "../crowd/senders.ts";
import { collectedMemory } from "../delivery/collecting.ts";
import type { FrontEnd } from "../delivery/front-ends.ts";
import { percentileMs } from "../open-loop/recorder.ts";
import { Progress } from "../progress.ts";
import { Rows } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { payloadBytes } from "../workload.ts";

type Plan = { readonly clients: number; readonly idleMs: number; readonly wakeSeconds: number };
/** idleMs: whole turns of a client's signs of life, which come every 10 s. */
const plans: Record<"quick" | "full", Plan> = {
  quick: { clients: 1_000, idleMs: 10_000, wakeSeconds: 5 },
  full: { clients: 10_000, idleMs: 60_000, wakeSeconds: 60 },
};
/** So many come first: code compiled, tables grown. */
const first = 100;
const settleMs = 2_000;
const wakesPerSecond = 1_000;
const steps = 10;

const figures = [
  "clients",
  "arrival_s",
  "arrival_cpu_ms",
  "client_resident_kb",
  "client_heap_kb",
  "client_external_kb",
  "idle_cpu_us_per_s",
  "wakes_per_s",
  "wake_p50_ms",
  "wake_p99_ms",
  "wake_p999_ms",
  "wake_cpu_us",
  "lost",
] as const;

export const crowdScenario: Scenario = {
  doc: "10,000 clients with a subscription each on one process: memory, signs of life, time to wake",
  names: { figures, ratios: [] },
  options: crowdOptions,
  async run(options: RunOptions) {
    const planned = options.quick ? plans.quick : plans.full;
    const plan = {
      ...planned,
      idleMs: positiveOf(options, "seconds", planned.idleMs / 1_000) * 1_000,
      wakeSeconds: positiveOf(options, "seconds", planned.wakeSeconds),
    };
    const clients = clientsOf(options, plan.clients);
    const storeName = storeOf(options);
    options.say(`${clients} clients, each with a connection and a subscription; one process, ${storeName} store`);
    await using started = new AsyncDisposableStack();
    const store = await startCrowdStore(storeName, started);
    const frontEnd = started.use(await startCrowdFrontEnd(store, { clientsMax: clients }));
    const frontEnds = [frontEnd.address];
    started.use(await Crowd.start({ frontEnds, name: "early", subscribers: first, acknowledges: false }));
    await setTimeout(settleMs);
    const from = await collectedMemory(frontEnd);
    const baselineUs = await cpuWithin(frontEnd, plan.idleMs / 2);

    const progress = new Progress(steps + 2);
    let shown = 0;
    const onProgress = (connected: number): void => {
      for (; connected >= ((shown + 1) * clients) / steps; shown++) progress.step(`${connected} clients`);
    };
    const [beganUs, beganMs] = [await frontEnd.cpuUs(), performance.now()];
    const crowd = started.use(
      await Crowd.start({ frontEnds, name: "crowd", subscribers: clients, acknowledges: false, onProgress }),
    );
    const arrivalMs = performance.now() - beganMs;
    const arrivalUs = (await frontEnd.cpuUs()) - beganUs;
    await setTimeout(settleMs);
    const to = await collectedMemory(frontEnd);
    const idleUs = (await cpuWithin(frontEnd, plan.idleMs)) - 2 * baselineUs;
    progress.step(`idle ${(idleUs / (plan.idleMs / 1_000) / clients).toFixed(1)} us/s a client`);

    const task = { frontEnds, connections: 8, inboxes: "crowd", count: clients, payloadBytes };
    const senders = started.use(await Senders.start(task));
    await senders.send({ perSecond: wakesPerSecond, seconds: 1, seed: 1 });
    await crowd.watch();
    const wakesFromUs = await frontEnd.cpuUs();
    const sent = await senders.send({ perSecond: wakesPerSecond, seconds: plan.wakeSeconds, seed: 2 });
    const wakesUs = (await frontEnd.cpuUs()) - wakesFromUs;
    const outcome = await outcomeOf(crowd, senders);
    const latency = await crowd.latencies();
    progress.step(`wake p99 ${percentileMs(latency, 99).toFixed(1)} ms`);

    const kb = (name: "residentBytes" | "heapBytes" | "externalBytes"): number =>
      (to[name] - from[name]) / 1_024 / clients;
    const idleAWakeUs = (idleUs / (plan.idleMs / 1_000)) * plan.wakeSeconds;
    const values: Record<(typeof figures)[number], number> = {
      clients,
      arrival_s: arrivalMs / 1_000,
      arrival_cpu_ms: arrivalUs / 1_000 / clients,
      client_resident_kb: kb("residentBytes"),
      client_heap_kb: kb("heapBytes"),
      client_external_kb: kb("externalBytes"),
      idle_cpu_us_per_s: idleUs / (plan.idleMs / 1_000) / clients,
      wakes_per_s: latency.totalCount / plan.wakeSeconds,
      wake_p50_ms: percentileMs(latency, 50),
      wake_p99_ms: percentileMs(latency, 99),
      wake_p999_ms: percentileMs(latency, 99.9),
      wake_cpu_us: (wakesUs - idleAWakeUs) / latency.totalCount,
      lost: outcome.lost,
    };
    const rows = new Rows();
    for (const [name, value] of Object.entries(values)) rows.figure(name, [value]);
    const notes = [
      `${storeName} store; of one client, beyond what the process keeps and uses with ${first}`,
      "client_resident_kb: resident memory, client_heap_kb and client_external_kb: its parts, after garbage collection; 1 KB = 1,024 B",
      `idle_cpu_us_per_s: user and system of the server a second and client, pings included, over ${plan.idleMs / 1_000} s`,
      `wake_*: open loop of ${wakesPerSecond}/s, from when a message was due until its client's callback; ${sent.missed} missed, ${sent.errorCount} errors`,
    ];
    const failures = failuresOf(outcome);
    return { runs: 1, figures: rows.figures, ratios: rows.ratios, spread: rows.spread, notes, failures };
  },
};

async function cpuWithin(frontEnd: FrontEnd, ms: number): Promise<number> {
  const fromUs = await frontEnd.cpuUs();
  await setTimeout(ms);
  return (await frontEnd.cpuUs()) - fromUs;
}
