/** Options of a script as the engine runs them. What it does not know it refuses: a run would mean something else. */

export type Threshold =
  | string
  | { readonly threshold: string; readonly abortOnFail?: boolean; readonly delayAbortEvalMs: number };

export type Scenario = {
  readonly name: string;
  readonly exec: string;
  readonly env: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly vus: number;
  readonly fromMs: number;
  readonly gracefulStopMs: number;
  /** Iterations a ms: straight from one to the other within each part. */
  readonly parts: readonly { readonly from: number; readonly to: number; readonly ms: number }[];
};

export type Plan = {
  readonly scenarios: readonly Scenario[];
  readonly thresholds: Readonly<Record<string, readonly Threshold[]>>;
  readonly trendStats: readonly string[];
};

type Raw = Readonly<Record<string, unknown>>;

export function planOf(options: Raw): Plan {
  const { scenarios, thresholds = {}, summaryTrendStats, setupTimeout: _, ...rest } = options;
  refuse(rest, "options");
  return {
    scenarios: Object.entries(scenarios as Record<string, Raw>).map(([name, raw]) => scenarioOf(name, raw)),
    thresholds: Object.fromEntries(
      Object.entries(thresholds as Record<string, Raw[]>).map(([name, each]) => [name, each.map(thresholdOf)]),
    ),
    trendStats: summaryTrendStats as string[],
  };
}

function scenarioOf(name: string, raw: Raw): Scenario {
  const { executor, startTime = "0s", gracefulStop = "30s", exec = "default", env = {}, tags = {}, ...arrivals } = raw;
  const { preAllocatedVUs, timeUnit = "1s", ...shape } = arrivals;
  return {
    name,
    exec: exec as string,
    env: env as Record<string, string>,
    tags: { ...(tags as Record<string, string>), scenario: name },
    vus: preAllocatedVUs as number,
    fromMs: msOf(startTime),
    gracefulStopMs: msOf(gracefulStop),
    parts: partsOf(name, executor, { unitMs: msOf(timeUnit), shape }),
  };
}

function partsOf(
  name: string,
  executor: unknown,
  { unitMs, shape }: { unitMs: number; shape: Raw },
): Scenario["parts"] {
  if (executor === "constant-arrival-rate") {
    const { rate, duration, ...rest } = shape;
    refuse(rest, name);
    const each = (rate as number) / unitMs;
    return [{ from: each, to: each, ms: msOf(duration) }];
  }
  if (executor !== "ramping-arrival-rate") throw new Error(`${name}: no executor of this engine: ${executor}`);
  const { startRate = 0, stages, ...rest } = shape;
  refuse(rest, name);
  let from = (startRate as number) / unitMs;
  return (stages as { target: number; duration: string }[]).map(({ target, duration }) => {
    const part = { from, to: target / unitMs, ms: msOf(duration) };
    from = part.to;
    return part;
  });
}

function thresholdOf(raw: Raw | string): Threshold {
  if (typeof raw === "string") return raw;
  const { threshold, abortOnFail = false, delayAbortEval = "0s", ...rest } = raw;
  refuse(rest, "threshold");
  return {
    threshold: threshold as string,
    abortOnFail: abortOnFail as boolean,
    delayAbortEvalMs: msOf(delayAbortEval),
  };
}

/** "1500ms", "10s", "1h30m" */
function msOf(duration: unknown): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  const text = String(duration);
  if (!/^(\d+(ms|h|m|s))+$/.test(text)) throw new Error(`no duration: ${text}`);
  return [...text.matchAll(/(\d+)(ms|h|m|s)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (units[unit as string] as number),
    0,
  );
}

function refuse(rest: Raw, where: string): void {
  const [name] = Object.keys(rest);
  if (name !== undefined) throw new Error(`${where}: ${name} is unknown to this engine`);
}
