/**
 * From one client to another: when a message is due, it is sent, made durable, and pushed to a subscriber in another
 * process, on the cluster's store one of another front-end. At set rates, whatever the answers take.
 */
import { ensurePostgres, ensureRedis } from "../../../scripts/apt.ts";
import { Crowd } from "../crowd/crowd.ts";
import { crowdOptions, positiveOf, type StoreName } from "../crowd/flags.ts";
import { failuresOf, outcomeOf } from "../crowd/outcome.ts";
import { Senders } from "../crowd/senders.ts";
import type { FrontEndAddress } from "../delivery/clients.ts";
import { startCluster } from "../delivery/cluster.ts";
import { startEmbedded, startFrontEnd } from "../delivery/front-ends.ts";
import { percentileMs } from "../open-loop/recorder.ts";
import { Progress } from "../progress.ts";
import { Rows, Samples } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { payloadBytes } from "../workload.ts";

type Plan = { readonly runs: number; readonly seconds: number };
const plans: Record<"quick" | "full", Plan> = {
  quick: { runs: 1, seconds: 3 },
  full: { runs: 3, seconds: 20 },
};
const rates = [1_000, 5_000] as const;
const stores = ["embedded", "cluster"] as const satisfies readonly StoreName[];
/** Each with a connection, an inbox and a subscription, which acknowledges. */
const readers = 64;
const connections = 8;
const warmUp = { perSecond: 1_000, seconds: 2, seed: 0 };
const percentiles = { p50: 50, p99: 99, p999: 99.9 } as const;

const figures = stores.flatMap((store) =>
  rates.flatMap((rate) => [
    ...Object.keys(percentiles).map((name) => `push_${name}_ms_${rate}_${store}`),
    `pushed_per_s_${rate}_${store}`,
    `missed_${rate}_${store}`,
  ]),
);

export const pushLatencyScenario: Scenario = {
  doc: "from one client by the durable store to another, p50, p99 and p99.9 at 1,000 and 5,000 messages/s",
  names: { figures: [...figures, "lost"], ratios: [] },
  options: { seconds: crowdOptions.seconds },
  async run(options: RunOptions) {
    ensurePostgres();
    ensureRedis();
    const planned = options.quick ? plans.quick : plans.full;
    const plan = { ...planned, seconds: positiveOf(options, "seconds", planned.seconds) };
    options.say(`${readers} subscribers, ${connections} connections that send; each rate for ${plan.seconds} s`);
    await using started = new AsyncDisposableStack();
    const sides = {
      embedded: await startEmbeddedSide(started),
      cluster: await startClusterSide(started),
    };
    const samples = new Samples();
    const progress = new Progress(plan.runs * rates.length * stores.length);
    for (const store of stores) await sides[store].senders.send(warmUp);
    for (let run = 0; run < plan.runs; run++) {
      for (const store of run % 2 === 0 ? stores : stores.toReversed()) {
        for (const rate of rates) {
          const p99 = await measure(sides[store], { store, rate, seconds: plan.seconds, seed: run, samples });
          progress.step(`${rate}/s ${store}: p99 ${p99.toFixed(1)} ms`);
        }
      }
    }
    const outcomes = await Promise.all(stores.map((store) => outcomeOf(sides[store].crowd, sides[store].senders)));
    const rows = new Rows();
    for (const name of figures) rows.figure(name, samples.of(name));
    rows.figure("lost", [outcomes.reduce((sum, { lost }) => sum + lost, 0)]);
    const notes = [
      "push_*: open loop, from when a message was due until the subscriber's callback; both sides acknowledge everything, 512 B",
      "embedded: one process; cluster: Postgres and Redis, senders at one front-end, subscribers at the other",
      "missed: not sent, because 20,000 were under way",
    ];
    const failures = outcomes.flatMap(failuresOf);
    return { runs: plan.runs, figures: rows.figures, ratios: rows.ratios, spread: rows.spread, notes, failures };
  },
};

type Side = { readonly crowd: Crowd; readonly senders: Senders };

async function startEmbeddedSide(started: AsyncDisposableStack): Promise<Side> {
  const { address } = started.use(await startEmbedded());
  return await connect({ from: address, to: address }, started);
}

async function startClusterSide(started: AsyncDisposableStack): Promise<Side> {
  const cluster = started.use(await startCluster());
  const from = started.use(await startFrontEnd(cluster.address));
  const to = started.use(await startFrontEnd(cluster.address));
  return await connect({ from: from.address, to: to.address }, started);
}

async function connect(
  { from, to }: { readonly from: FrontEndAddress; readonly to: FrontEndAddress },
  started: AsyncDisposableStack,
): Promise<Side> {
  const name = "pushed";
  const crowd = started.use(await Crowd.start({ frontEnds: [to], name, subscribers: readers, acknowledges: true }));
  const task = { frontEnds: [from], connections, inboxes: name, count: readers, payloadBytes };
  return { crowd, senders: started.use(await Senders.start(task)) };
}

type Window = {
  readonly store: StoreName;
  readonly rate: number;
  readonly seconds: number;
  readonly seed: number;
  readonly samples: Samples;
};

async function measure({ crowd, senders }: Side, { store, rate, seconds, seed, samples }: Window): Promise<number> {
  await crowd.watch();
  const sent = await senders.send({ perSecond: rate, seconds, seed });
  await outcomeOf(crowd, senders);
  const latency = await crowd.latencies();
  for (const [name, p] of Object.entries(percentiles)) {
    samples.add(`push_${name}_ms_${rate}_${store}`, percentileMs(latency, p));
  }
  samples.add(`pushed_per_s_${rate}_${store}`, latency.totalCount / seconds);
  samples.add(`missed_${rate}_${store}`, sent.missed);
  return percentileMs(latency, 99);
}
