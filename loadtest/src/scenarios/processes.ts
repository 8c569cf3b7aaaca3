/**
 * What a message costs a front-end when there are four of them and when there is one, each with the same connections and
 * the same load: what they tell each other is then all that differs.
 */
import { ensurePostgres, ensureRedis } from "../../../scripts/apt.ts";
import { connections, Processes, type Timing } from "../delivery/processes.ts";
import { Progress } from "../progress.ts";
import { Rows, Samples } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { inboxCount, payloadBytes } from "../workload.ts";

const counts = [1, 4] as const;
/** Messages a second of each front-end: what four of them, Postgres and the senders do together on 2 cores. */
const rates = [1_000, 2_000] as const;
const costs = ["cpu_us_per_message", "main_thread_us_per_message", "database_us_per_message"] as const;

type Plan = { readonly runs: number; readonly timing: Timing; readonly warming: Timing };
const plans: Record<"quick" | "full", Plan> = {
  quick: {
    runs: 3,
    timing: { settleMs: 200, windowMs: 1_000 },
    warming: { settleMs: 0, windowMs: 1_500 },
  },
  full: {
    runs: 9,
    timing: { settleMs: 500, windowMs: 4_000 },
    warming: { settleMs: 0, windowMs: 8_000 },
  },
};

const nameOf = (cost: string, count: number, rate: number): string => `${cost}_${count}_at_${rate}`;
const each = <T>(make: (count: number, rate: number) => T): T[] =>
  rates.flatMap((rate) => counts.map((count) => make(count, rate)));

export const processesScenario: Scenario = {
  doc: "a front-end's CPU a message beside three others, and alone, with the same connections and load each",
  names: {
    figures: [
      ...costs.flatMap((cost) => each((count, rate) => nameOf(cost, count, rate))),
      ...each((count, rate) => nameOf("per_s", count, rate)),
      ...rates.map((rate) => `cpu_us_per_heard_message_at_${rate}`),
    ],
    ratios: rates.map((rate) => `cpu_per_message_4_vs_1_at_${rate}`),
  },
  async run({ quick, say }: RunOptions) {
    ensurePostgres();
    ensureRedis();
    const plan = quick ? plans.quick : plans.full;
    say(`${connections} connections a front-end, ${payloadBytes} B over ${inboxCount} inboxes; ${plan.runs} runs`);
    await using started = new AsyncDisposableStack();
    const sides = [
      [1, started.use(await Processes.start(1))],
      [4, started.use(await Processes.start(4))],
    ] as const;
    const most = sides[1][1];
    for (const [, side] of sides) await side.run(rates[1], plan.warming);
    const samples = new Samples();
    const progress = new Progress(plan.runs);
    for (let run = 0; run < plan.runs; run++) {
      for (const rate of rates) {
        for (const [count, side] of run % 2 === 0 ? sides : sides.toReversed()) {
          const { perSecond, frontEndsUs, mainThreadsUs, databaseUs } = await side.run(rate, plan.timing);
          for (const [i, us] of [frontEndsUs, mainThreadsUs, databaseUs].entries()) {
            samples.add(nameOf(costs[i] as string, count, rate), us);
          }
          samples.add(nameOf("per_s", count, rate), perSecond);
        }
        samples.add(`cpu_us_per_heard_message_at_${rate}`, await most.hearing(rate, plan.timing));
      }
      const shown = (count: number): string =>
        (samples.of(nameOf(costs[0], count, rates[0]))[run] as number).toFixed(0);
      progress.step(`at ${rates[0]}/s each: ${shown(1)} us alone, ${shown(4)} us as one of four`);
    }
    const rows = new Rows();
    for (const name of processesScenario.names.figures) rows.figure(name, samples.of(name));
    for (const rate of rates) {
      const [alone, ofFour] = counts.map((count) => nameOf(costs[0], count, rate)) as [string, string];
      rows.ratio(`cpu_per_message_4_vs_1_at_${rate}`, samples.ratios(ofFour, alone));
    }
    const notes = [
      `an open loop to each front-end: ${connections} connections, 1,000 or 2,000 durable enqueues/s at times drawn before, whatever their number; all on this machine, beside Postgres and Redis`,
      "cpu: user and system of all threads of the front-ends, a message; main_thread of that; database: of Postgres",
      "a ratio below 1: what waits gathers, so four that share the cores and Postgres do more at a time, which one alone at the same load does not",
      "heard_message: of a front-end of the four that is sent nothing, a message of another of which it hears",
    ];
    return { runs: plan.runs, figures: rows.figures, ratios: rows.ratios, spread: rows.spread, notes };
  },
};
