/** Thresholds by the name that k6 knows them by. One that does not hold makes k6 end with exit code 99. */
import type { Options, Threshold } from "k6/options";

type Thresholds = NonNullable<Options["thresholds"]>;

/** Which samples: all that carry this tag. */
type Tag = `${"action" | "step" | "phase"}:${string}`;

type Limits = {
  /** 99 of 100 actions take less, as the agent measures them. */
  readonly p99Ms: number;
  /** 0 to 1. */
  readonly failedMax: number;
  /** Ends the run at once, but not within the first seconds of it. */
  readonly abort?: { readonly afterSeconds: number };
};

export function limitsFor(tag: Tag, { p99Ms, failedMax, abort }: Limits): Thresholds {
  const one = (threshold: string): Threshold[] => [
    abort === undefined
      ? threshold
      : { threshold, abortOnFail: true, delayAbortEval: `${Math.ceil(abort.afterSeconds)}s` },
  ];
  return {
    [`qpq_action_duration{${tag}}`]: one(`p(99)<${p99Ms}`),
    [`qpq_failed{${tag}}`]: one(`rate<=${failedMax}`),
  };
}

/** `limitsOf`: by the place in the list. */
export function limitsForAll(tags: readonly Tag[], limitsOf: (index: number) => Limits): Thresholds {
  return Object.fromEntries(tags.flatMap((tag, i) => Object.entries(limitsFor(tag, limitsOf(i)))));
}

/** What is due is begun: without this a run that could not send looks fast. */
export const nothingDropped: Thresholds = { dropped_iterations: ["count==0"] };

/** Of every script. */
export const common: Options = {
  // an action's users are made in setup(), among them MLS groups
  setupTimeout: "5m",
  // what summary.ts prints
  summaryTrendStats: ["count", "med", "p(90)", "p(99)", "p(99.9)", "max"],
};
