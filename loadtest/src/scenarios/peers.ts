/**
 * Durable and encrypted enqueues/s of one front-end process, on each of our stores, beside Redis, JetStream and RabbitMQ: one
 * server and one client process a side, the same callers, connections and payloads, by turns on two cores. That a side is
 * durable before it acknowledges is shown by the fsyncs of one caller.
 */
import { ensureAptPackages, ensurePostgres, ensureRedis } from "../../../scripts/apt.ts";
import type { Window } from "../closed-loop.ts";
import { ensureNats } from "../delivery/nats.ts";
import { ensureRabbit } from "../delivery/rabbitmq.ts";
import { FsyncCounter } from "../peers/fsyncs.ts";
import { type Shape, namesOf, reportOf, shapes } from "../peers/peers-report.ts";
import { type PeerSide, PeerSides } from "../peers/sides.ts";
import { keepToTwoCores } from "../pinned.ts";
import { Progress } from "../progress.ts";
import { Samples } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";

type Plan = {
  readonly runs: number;
  readonly shapes: readonly Shape[];
  /** Makes processes warm, so that what is counted is compiled code, and isn't counted. */
  readonly warming: Window;
  readonly window: Window;
  readonly oneCallerMs: number;
};
const plans: Record<"quick" | "full", Plan> = {
  quick: {
    runs: 3,
    shapes: shapes.slice(0, 1),
    warming: { warmUpMs: 300, windowMs: 100 },
    window: { warmUpMs: 50, windowMs: 400 },
    oneCallerMs: 200,
  },
  full: {
    runs: 3,
    shapes,
    warming: { warmUpMs: 2_000, windowMs: 500 },
    window: { warmUpMs: 300, windowMs: 1_000 },
    oneCallerMs: 1_000,
  },
};

export const peersScenario: Scenario = {
  doc: "durable and encrypted enqueue/s of one process beside Redis, JetStream and RabbitMQ",
  names: namesOf(),
  async run({ quick, say }: RunOptions) {
    ensurePostgres();
    ensureRedis();
    ensureAptPackages(["strace"]);
    const nats = ensureNats(!quick, say);
    if (!quick) ensureRabbit();
    const plan = quick ? plans.quick : plans.full;
    const onTwoCores = keepToTwoCores();
    await using sides = await PeerSides.start({ nats, rabbit: !quick, cluster: true });
    const samples = new Samples();
    const progress = new Progress(plan.shapes.length * (plan.runs + 1) + 1);
    for (const shape of plan.shapes) {
      await measureShape(sides.all, { plan: { ...plan, window: plan.warming }, shape, samples: new Samples(), run: 0 });
      progress.step(`${shape.name}: warm`);
      for (let run = 0; run < plan.runs; run++) {
        await measureShape(sides.all, { plan, shape, samples, run });
        const rates = sides.all.map(
          ({ name }) => `${name} ${Math.round(samples.of(shape.figure(name, "per_s"))[run] ?? 0)}`,
        );
        progress.step(`${shape.name}: ${rates.join(", ")}`);
      }
    }
    const encryptions: string[] = [];
    for (const side of sides.all) encryptions.push(`${side.name} ${await side.encryption()}`);
    const fsyncFault = await measureFsyncs(sides.all, plan.oneCallerMs, samples);
    progress.step("fsyncs of one caller");
    return reportOf(samples, { runs: plan.runs, quick, nats, onTwoCores, encryptions, fsyncFault });
  },
};

type Turn = { readonly plan: Plan; readonly shape: Shape; readonly samples: Samples; readonly run: number };

/** By turns, in the other order in every second run. */
async function measureShape(sides: readonly PeerSide[], { plan, shape, samples, run }: Turn): Promise<void> {
  for (const side of run % 2 === 0 ? sides : sides.toReversed()) {
    await side.begin(shape.payloadBytes);
    const result = await side.run(plan.window, shape);
    samples.add(shape.figure(side.name, "per_s"), result.perSecond);
    samples.add(shape.figure(side.name, "p50_ms"), result.p50Ms);
    samples.add(shape.figure(side.name, "p99_ms"), result.p99Ms);
    samples.add(shape.figure(side.name, "server_cpu_us"), result.serverUs);
    samples.add(shape.figure(side.name, "client_cpu_us"), result.clientUs);
  }
}

/** Of one caller, which waits for each answer; all that it sent must be there. Answers why it cannot be counted. */
async function measureFsyncs(
  sides: readonly PeerSide[],
  windowMs: number,
  samples: Samples,
): Promise<string | undefined> {
  const one = { callers: 1, connections: 1 };
  for (const side of sides) {
    await side.begin(shapes[0].payloadBytes);
    let counter: FsyncCounter;
    try {
      counter = await FsyncCounter.attach(side.pids());
    } catch (error) {
      return (error as Error).message;
    }
    await side.run({ warmUpMs: 0, windowMs }, one);
    const fsyncs = await counter.stop();
    const [sent, stored] = [await side.sent(), await side.stored()];
    if (stored !== sent) throw new Error(`${side.name} acknowledged ${sent} messages and has ${stored}`);
    samples.add(`fsyncs_per_ack_1_caller_${side.name}`, fsyncs / sent);
  }
  return undefined;
}
