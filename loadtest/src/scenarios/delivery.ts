/**
 * Delivery at scale: durable enqueues/s over QUIC on the cluster's store, beside the same store called directly and
 * beside brokers, by turns in one run; what a message costs a front-end, how soon a reader has it, what one that waits keeps.
 */
import { ensurePostgres, ensureRedis } from "../../../scripts/apt.ts";
import type { Window } from "../closed-loop.ts";
import { settings } from "../delivery/front-ends.ts";
import { callers } from "../delivery/load.ts";
import { ensureNats, type NatsProgram } from "../delivery/nats.ts";
import { measureParked } from "../delivery/parked.ts";
import { ensureRabbit } from "../delivery/rabbitmq.ts";
import { type SideName, Sides } from "../delivery/sides.ts";
import { Progress } from "../progress.ts";
import { median, type Report } from "../report.ts";
import { Rows, Samples } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { inboxCount, payloadBytes } from "../workload.ts";

const frontEndCount = 4;
const fanOut = { recipients: 1_000, payloadBytes: 1_024 } as const;
const parkedCount = 100_000;
/** A front-end is filled for each. */
const parkedRuns = 3;
const brokers = [
  "redis_always_tls",
  "redis_always_plain",
  "jetstream_default",
  "jetstream_always",
  "rabbitmq",
] as const;

type Plan = { readonly runs: number; readonly window: Window; readonly fanOuts: number };
const plans: Record<"quick" | "full", Plan> = {
  quick: { runs: 3, window: { warmUpMs: 100, windowMs: 500 }, fanOuts: 5 },
  full: { runs: 5, window: { warmUpMs: 500, windowMs: 2_000 }, fanOuts: 20 },
};
/** Makes processes warm, so that what is counted is compiled code, and isn't counted. */
const warmings: Record<"quick" | "full", Plan> = {
  quick: { runs: 1, window: { warmUpMs: 100, windowMs: 200 }, fanOuts: 2 },
  full: { runs: 1, window: { warmUpMs: 2_000, windowMs: 1_000 }, fanOuts: 20 },
};

export const deliveryScenario: Scenario = {
  doc: "durable enqueue/s on the cluster's store, beside the store itself, Redis, JetStream and RabbitMQ",
  names: {
    figures: [
      "enqueue_per_s_8x32",
      "enqueue_per_s_256x1",
      "enqueue_per_s_2_processes",
      "enqueue_per_s_4_processes",
      "direct_per_s",
      ...brokers.map((broker) => `${broker}_per_s`),
      "enqueue_p50_ms",
      "enqueue_p99_ms",
      "subscribe_p50_ms",
      "subscribe_p99_ms",
      "subscribed_enqueue_p99_ms",
      "subscribed_enqueue_per_s",
      "waiter_bytes",
      "waiter_resident_bytes",
      "fanout_1000_ms",
      "hint_cpu_us",
      "cpu_us_per_message",
      "cpu_us_per_message_256x1",
      "cpu_us_per_message_4_processes",
    ],
    ratios: [
      "enqueue_vs_direct_store_8x32",
      "enqueue_vs_direct_store_256x1",
      ...brokers.map((broker) => `enqueue_vs_${broker}`),
      "subscribe_p99_vs_enqueue_p99",
      "cpu_per_message_4_vs_1_processes",
    ],
  },
  async run({ quick, say }: RunOptions) {
    ensurePostgres();
    ensureRedis();
    const nats = ensureNats(!quick, say);
    if (!quick) ensureRabbit();
    const plan = quick ? plans.quick : plans.full;
    const warming = quick ? warmings.quick : warmings.full;
    say(`${callers} callers, ${payloadBytes} B over ${inboxCount} inboxes; limits: ${JSON.stringify(settings)}`);
    const samples = new Samples();
    await using sides = await Sides.start({ nats, rabbit: !quick, frontEnds: frontEndCount });
    const names = [...sides.runs.keys()].filter((name) => !quick || name !== "ours_8x32_2");
    const progress = new Progress((plan.runs + 1) * (names.length + 2) + (quick ? 0 : parkedRuns));
    await measureSides(sides, { samples: new Samples(), names, plan: warming, run: 0, progress });
    for (let run = 0; run < plan.runs; run++) await measureSides(sides, { samples, names, plan, run, progress });
    for (let run = 0; !quick && run < parkedRuns; run++) {
      const { heapAndExternalBytes, residentBytes } = await measureParked(
        sides.cluster.address,
        parkedCount,
        `parked ${run}`,
      );
      samples.add("waiter_bytes", heapAndExternalBytes);
      samples.add("waiter_resident_bytes", residentBytes);
      progress.step(`a parked fetchWait: ${Math.round(heapAndExternalBytes)} B of heap`);
    }
    return reportOf(samples, { plan, quick, nats });
  },
};

type Turn = {
  readonly samples: Samples;
  readonly names: readonly SideName[];
  readonly plan: Plan;
  readonly run: number;
  readonly progress: Progress;
};

/** By turns, in the other order in every second run. */
async function measureSides(sides: Sides, { samples, names, plan, run, progress }: Turn): Promise<void> {
  for (const name of run % 2 === 0 ? names : names.toReversed()) {
    const result = await (sides.runs.get(name) as NonNullable<ReturnType<typeof sides.runs.get>>)(plan.window);
    samples.add(`${name}_per_s`, result.perSecond);
    samples.add(`${name}_p50_ms`, result.p50Ms);
    samples.add(`${name}_p99_ms`, result.p99Ms);
    if (result.cpuUsPerRequest !== undefined) samples.add(`${name}_cpu_us`, result.cpuUsPerRequest);
    progress.step(`${name}: ${Math.round(result.perSecond)}/s, p99 ${result.p99Ms.toFixed(1)} ms`);
  }
  const { enqueue, delivery } = await sides.subscribed.run(plan.window);
  samples.add("subscribed_enqueue_p99_ms", enqueue.p99Ms);
  samples.add("subscribed_enqueue_per_s", enqueue.perSecond);
  samples.add("subscribe_p50_ms", delivery.p50Ms);
  samples.add("subscribe_p99_ms", delivery.p99Ms);
  progress.step(`subscribe: p99 ${delivery.p99Ms.toFixed(1)} ms, its enqueue's ${enqueue.p99Ms.toFixed(1)} ms`);
  const times: number[] = [];
  for (let i = 0; i < plan.fanOuts; i++) times.push(await sides.fanOut(fanOut));
  samples.add("fanout_1000_ms", median(times));
  progress.step(`fan-out to ${fanOut.recipients}: ${median(times).toFixed(1)} ms`);
}

type Told = { readonly plan: Plan; readonly quick: boolean; readonly nats: NatsProgram };

function reportOf(samples: Samples, told: Told): Omit<Report, "scenario" | "host"> {
  const rows = new Rows();
  const figure = (name: string, sample = name): void => rows.figure(name, samples.of(sample));
  figure("enqueue_per_s_8x32", "ours_8x32_per_s");
  figure("enqueue_per_s_256x1", "ours_256x1_per_s");
  for (const count of [2, 4]) figure(`enqueue_per_s_${count}_processes`, `ours_8x32_${count}_per_s`);
  figure("direct_per_s", "direct_per_s");
  for (const broker of brokers) figure(`${broker}_per_s`);
  figure("enqueue_p50_ms", "ours_8x32_p50_ms");
  figure("enqueue_p99_ms", "ours_8x32_p99_ms");
  figure("subscribe_p50_ms");
  figure("subscribe_p99_ms");
  figure("subscribed_enqueue_p99_ms");
  figure("subscribed_enqueue_per_s");
  figure("waiter_bytes");
  figure("waiter_resident_bytes");
  figure("fanout_1000_ms");
  figure("hint_cpu_us", "direct_cpu_us");
  figure("cpu_us_per_message", "ours_8x32_cpu_us");
  figure("cpu_us_per_message_256x1", "ours_256x1_cpu_us");
  figure("cpu_us_per_message_4_processes", "ours_8x32_4_cpu_us");
  const ratio = (name: string, ours: string, other: string): void => rows.ratio(name, samples.ratios(ours, other));
  ratio("enqueue_vs_direct_store_8x32", "ours_8x32_per_s", "direct_per_s");
  ratio("enqueue_vs_direct_store_256x1", "ours_256x1_per_s", "direct_per_s");
  for (const broker of brokers) ratio(`enqueue_vs_${broker}`, "ours_8x32_per_s", `${broker}_per_s`);
  ratio("subscribe_p99_vs_enqueue_p99", "subscribe_p99_ms", "subscribed_enqueue_p99_ms");
  ratio("cpu_per_message_4_vs_1_processes", "ours_8x32_4_cpu_us", "ours_8x32_cpu_us");
  const { figures, ratios, spread } = rows;
  return { runs: told.plan.runs, figures, ratios, spread, notes: notesOf(told) };
}

function notesOf({ quick, nats }: Told): readonly string[] {
  const notes = [
    `limits for this bench: ${JSON.stringify(settings)}; every enqueue with a fresh idempotency key, answered after the commit is on disk`,
    "all processes (front-ends, Postgres, Redis, brokers, loads) share the machine's cores; all sides are connected all the time, one is measured at a time",
    "ours 8x32: 256 callers on 8 connections to one front-end process; direct: the store of the same cluster in the callers' own process; N_processes, on a cluster of four: the 8 connections spread over N of them",
    "hint_cpu_us: of a front-end that does nothing but hear of a message of another (the direct way's windows)",
    "cpu_us_per_message: user and system of the front-end processes within the window, not of Postgres",
    "subscribe: 8x32 to 2 front-ends, every inbox read by subscription from another process, half of them at the other front-end than the sender's; from the sender's call to the reader's callback; its enqueue's p99 is of the same window (subscribed_enqueue_p99_ms)",
    "redis_always: XADD, appendonly, appendfsync always, ioredis autopipelined on 8 connections, a stream an inbox; no idempotency keys",
    `jetstream_default: nats-server ${nats.version} fsyncs every 2 minutes: a power cut loses what it acknowledged since; jetstream_always: sync_interval always; one file stream, 8 where it always syncs, a subject an inbox, 8 connections`,
    "rabbitmq: 8 quorum queues on one node, publisher confirms, 8 connections",
    `fanout_1000_ms: batchEnqueue of ${fanOut.payloadBytes} B to ${fanOut.recipients} inboxes, one after the other, nothing else under way`,
    `waiter_bytes: heap and external memory after garbage collection, waiter_resident_bytes: resident; of ${parkedCount} parked fetchWait calls on 50 QUIC connections, beyond what the connections keep, per call; ${parkedRuns} runs`,
  ];
  if (quick) {
    notes.push(
      "rabbitmq_per_s, enqueue_vs_rabbitmq, waiter_*, enqueue_per_s_2_processes: not measured with --quick, which has no time for their start and filling",
    );
  }
  if (!nats.canFsyncAlways) {
    notes.push(
      "jetstream_always_per_s, enqueue_vs_jetstream_always: not measured; it needs nats-server 2.10 or later, which is built from source where there is Go, and not with --quick",
    );
  }
  return notes;
}
