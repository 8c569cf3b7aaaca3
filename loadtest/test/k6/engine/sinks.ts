/** What samples add up to, and whether thresholds hold: https://grafana.com/docs/k6/latest/using-k6/thresholds/ */
import type { Threshold } from "./options.ts";

export type MetricType = "counter" | "rate" | "trend";

export type Sample = {
  readonly metric: string;
  readonly type: MetricType;
  readonly value: number;
  readonly tags: Readonly<Record<string, string>>;
};

export type MetricSummary = {
  readonly type: MetricType;
  readonly values: Readonly<Record<string, number>>;
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
};

/** Of k6 itself and there without a sample. */
const builtIn: Readonly<Record<string, MetricType>> = { checks: "rate", dropped_iterations: "counter" };

export class Sinks {
  /** By a metric's name, and by those with a tag that have a threshold: "qpq_failed{action:enqueue}". */
  readonly #values = new Map<string, number[]>();
  readonly #types = new Map<string, MetricType>(Object.entries(builtIn));
  readonly #thresholds: Readonly<Record<string, readonly Threshold[]>>;
  readonly #trendStats: readonly string[];

  constructor(thresholds: Readonly<Record<string, readonly Threshold[]>>, trendStats: readonly string[]) {
    this.#thresholds = thresholds;
    this.#trendStats = trendStats;
  }

  add({ metric, type, value, tags }: Sample): void {
    this.#types.set(metric, type);
    this.#push(metric, value);
    for (const name of Object.keys(this.#thresholds)) {
      const { metric: of, tag, expected } = selectorOf(name);
      if (of === metric && tag !== undefined && tags[tag] === expected) this.#push(name, value);
    }
  }

  /** `seconds`: of the run so far. Throws for a threshold on a metric that nobody has. */
  summary(seconds: number): Record<string, MetricSummary> {
    const names = new Set([...this.#values.keys(), ...Object.keys(this.#thresholds)]);
    return Object.fromEntries(
      [...names].map((name) => {
        const type = this.#typeOf(name);
        const values = this.#valuesOf(name, type, seconds);
        const thresholds = this.#thresholds[name];
        if (thresholds === undefined) return [name, { type, values }];
        const judged = thresholds.map((each) => [textOf(each), { ok: this.#holds(name, textOf(each), seconds) }]);
        return [name, { type, values, thresholds: Object.fromEntries(judged) }];
      }),
    );
  }

  /** Whether one that ends the run does not hold. */
  isAborted(seconds: number): boolean {
    return Object.entries(this.#thresholds).some(([name, thresholds]) =>
      thresholds.some(
        (each) =>
          typeof each !== "string" &&
          each.abortOnFail === true &&
          seconds * 1_000 >= each.delayAbortEvalMs &&
          this.#values.has(name) &&
          !this.#holds(name, each.threshold, seconds),
      ),
    );
  }

  #holds(name: string, text: string, seconds: number): boolean {
    const [, stat = "", operator = "", bound = ""] =
      /^([a-z]+(?:\([\d.]+\))?)\s*(<=|<|>=|>|===?|!=)\s*([\d.]+)$/.exec(text) ?? [];
    const type = this.#typeOf(name);
    const value = type === "trend" ? statOf(this.#sorted(name), stat) : this.#valuesOf(name, type, seconds)[stat];
    const compare = comparisons[operator];
    if (value === undefined || compare === undefined) throw new Error(`${name}: no threshold: ${text}`);
    return compare(value, Number(bound));
  }

  #valuesOf(name: string, type: MetricType, seconds: number): Record<string, number> {
    if (type === "trend") {
      const sorted = this.#sorted(name);
      return Object.fromEntries(this.#trendStats.map((stat) => [stat, statOf(sorted, stat) as number]));
    }
    const values = this.#values.get(name) ?? [];
    const sum = values.reduce((total, value) => total + value, 0);
    if (type === "counter") return { count: sum, rate: sum / seconds };
    return { rate: values.length === 0 ? 0 : sum / values.length, passes: sum, fails: values.length - sum };
  }

  #typeOf(name: string): MetricType {
    const type = this.#types.get(selectorOf(name).metric);
    if (type === undefined) throw new Error(`a threshold names ${name}, which nothing was added to`);
    return type;
  }

  #sorted(name: string): number[] {
    return (this.#values.get(name) ?? []).toSorted((a, b) => a - b);
  }

  #push(name: string, value: number): void {
    const values = this.#values.get(name);
    if (values === undefined) this.#values.set(name, [value]);
    else values.push(value);
  }
}

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "==": (a, b) => a === b,
  "===": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

/** undefined: there is no such one. Without samples everything is 0. */
function statOf(sorted: readonly number[], stat: string): number | undefined {
  const [, percent] = /^p\(([\d.]+)\)$/.exec(stat) ?? [];
  if (percent !== undefined) return quantileOf(sorted, Number(percent) / 100);
  switch (stat) {
    case "count":
      return sorted.length;
    case "min":
      return sorted[0] ?? 0;
    case "max":
      return sorted.at(-1) ?? 0;
    case "med":
      return quantileOf(sorted, 0.5);
    case "avg":
      return sorted.length === 0 ? 0 : sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
    default:
      return undefined;
  }
}

/** Between two values in proportion, as k6 does it. */
function quantileOf(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? 0;
  return low + (high - low) * (at - Math.floor(at));
}

function selectorOf(name: string): { metric: string; tag: string | undefined; expected: string | undefined } {
  const [, metric = name, tag, expected] = /^([^{]+)\{([^:]+):(.+)\}$/.exec(name) ?? [];
  return { metric, tag, expected };
}

function textOf(threshold: Threshold): string {
  return typeof threshold === "string" ? threshold : threshold.threshold;
}
