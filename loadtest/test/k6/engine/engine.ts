/**
 * Runs a script of k6 without k6: its options, its setup, its iterations in threads of their own, its thresholds and its
 * summary. Not k6: of its executors only the two arrival rates, of its modules what the scripts use.
 */
import { setTimeout as wait } from "node:timers/promises";
import { arrivalsOf } from "./arrivals.ts";
import { planOf, type Scenario } from "./options.ts";
import { type MetricSummary, Sinks } from "./sinks.ts";
import { Vu } from "./vu.ts";

export type RunResult = {
  /** k6's: 0, 99 a threshold did not hold, 107 the script threw. */
  readonly exitCode: 0 | 99 | 107;
  /** Of what was thrown by setup. */
  readonly error: string | undefined;
  readonly metrics: Readonly<Record<string, MetricSummary>>;
  /** What handleSummary gave, by where it goes. */
  readonly outputs: Readonly<Record<string, string>>;
  /** A threshold ended the run. */
  readonly isAborted: boolean;
};

const thresholdsEveryMs = 50;

export async function runScript(script: URL, env: Readonly<Record<string, string>>): Promise<RunResult> {
  const vus: Vu[] = [];
  const start = async (number: number): Promise<Vu> => {
    const vu = await Vu.start({ script: script.href, env, vu: number });
    vus.push(vu);
    return vu;
  };
  try {
    // number 0 runs what is not an iteration
    const first = await start(0);
    const plan = planOf((await first.call({ name: "options" })).result as Record<string, unknown>);
    const sinks = new Sinks(plan.thresholds, plan.trendStats);
    const setUp = await first.call({ name: "setup" });
    if (setUp.error !== undefined) {
      return { exitCode: 107, error: setUp.error, metrics: {}, outputs: {}, isAborted: false };
    }
    for (const sample of setUp.samples) sinks.add(sample);
    await Promise.all(Array.from({ length: vusAtOnce(plan.scenarios) }, (_, i) => start(i + 1)));
    const run = new Run(vus.slice(1), sinks, setUp.result);
    const isAborted = await run.all(plan.scenarios);
    const metrics = sinks.summary(run.seconds);
    const state = { isStdOutTTY: false, testRunDurationMs: run.seconds * 1_000 };
    const summed = await first.call({ name: "handleSummary", args: [{ state, metrics }] });
    if (summed.error !== undefined) throw new Error(summed.error);
    const holds = Object.values(metrics).every(({ thresholds = {} }) =>
      Object.values(thresholds).every(({ ok }) => ok),
    );
    const outputs = summed.result as Record<string, string>;
    return { exitCode: holds ? 0 : 99, error: undefined, metrics, outputs, isAborted };
  } finally {
    await Promise.all(vus.map((vu) => vu.stop()));
  }
}

class Run {
  readonly #vus: readonly Vu[];
  readonly #sinks: Sinks;
  readonly #data: unknown;
  readonly #beganMs = performance.now();
  readonly #abort = new AbortController();

  constructor(vus: readonly Vu[], sinks: Sinks, data: unknown) {
    this.#vus = vus;
    this.#sinks = sinks;
    this.#data = data;
  }

  get seconds(): number {
    return (performance.now() - this.#beganMs) / 1_000;
  }

  /** Whether a threshold ended it. */
  async all(scenarios: readonly Scenario[]): Promise<boolean> {
    const watch = setInterval(() => {
      if (this.#sinks.isAborted(this.seconds)) this.#abort.abort();
    }, thresholdsEveryMs);
    try {
      await Promise.all(scenarios.map((scenario) => this.#scenario(scenario)));
      return this.#abort.signal.aborted;
    } finally {
      clearInterval(watch);
    }
  }

  async #scenario(scenario: Scenario): Promise<void> {
    const underWay = new Set<Promise<void>>();
    for (const dueMs of arrivalsOf(scenario)) {
      await this.#until(scenario.fromMs + dueMs);
      if (this.#abort.signal.aborted) break;
      const vu = this.#vus.find(({ isFree }) => isFree);
      if (vu === undefined) {
        this.#sinks.add({ metric: "dropped_iterations", type: "counter", value: 1, tags: scenario.tags });
        continue;
      }
      const iteration = this.#iteration(vu, scenario).finally(() => underWay.delete(iteration));
      underWay.add(iteration);
    }
    await Promise.race([Promise.all(underWay), wait(scenario.gracefulStopMs, undefined, { ref: false })]);
  }

  async #iteration(vu: Vu, { exec: name, env, tags }: Scenario): Promise<void> {
    const { samples, error } = await vu.call({ name, args: [this.#data], env, tags });
    for (const sample of samples) this.#sinks.add(sample);
    this.#sinks.add({ metric: "iterations", type: "counter", value: 1, tags });
    if (error !== undefined) throw new Error(error);
  }

  async #until(ms: number): Promise<void> {
    const leftMs = this.#beganMs + ms - performance.now();
    if (leftMs > 0) await wait(leftMs, undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }
}

/** The most that scenarios have together at any time; k6 lends VUs of one that is over to the next. */
function vusAtOnce(scenarios: readonly Scenario[]): number {
  const endMs = ({ fromMs, parts }: Scenario): number => fromMs + parts.reduce((sum, { ms }) => sum + ms, 0);
  const sums = scenarios.map(({ fromMs }) =>
    scenarios.filter((other) => other.fromMs <= fromMs && endMs(other) > fromMs).reduce((sum, { vus }) => sum + vus, 0),
  );
  return Math.max(...sums);
}
