/** The flags of `qpq bench` and what it says of itself. */
import { inFlightMaxDefault, type PlanFlags } from "./plan.ts";
import { loads } from "./loads.ts";
import { metrics } from "./metrics.ts";
import { rateWords } from "./rate.ts";

type Flag = { readonly type: "string" | "boolean"; readonly multiple?: boolean; readonly doc: string };

export const benchFlags = {
  rate: { type: "string", doc: rateWords.replace("RATE is ", "") },
  duration: { type: "string", doc: "30s, 5m, 1h: of what is measured" },
  "warm-up": { type: "string", doc: "before that, and not measured" },
  users: { type: "string", doc: "virtual users" },
  connections: { type: "string", doc: "that they share" },
  "payload-bytes": { type: "string", doc: "of each message, or file" },
  recipients: { type: "string", doc: "of a fan-out; members of a group" },
  drivers: { type: "string", doc: "processes that the load comes from (default 1)" },
  "in-flight-max": {
    type: "string",
    doc: `actions under way; one that is due beyond it is missed (default ${inFlightMaxDefault})`,
  },
  spacing: { type: "string", doc: "poisson or even: how due times are drawn" },
  seed: { type: "string", doc: "draws them (default 1)" },
  runs: { type: "string", doc: "so many, a result each (default 1)" },
  assert: { type: "string", multiple: true, doc: "'p99<50ms': else exit code 1; may be given more than once" },
  html: { type: "string", doc: "write a page with plots to this file" },
  tolerance: { type: "string", doc: "compare: so much worse is let pass (default 10%)" },
  force: { type: "boolean", doc: "compare: also results of different plans" },
} as const satisfies Record<string, Flag>;

export type BenchFlagValues = PlanFlags & {
  readonly runs?: string;
  readonly assert?: readonly string[];
  readonly html?: string;
  readonly tolerance?: string;
  readonly force?: boolean;
};

/** What may stand behind the command, each with what it is. */
export const benchWords: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(loads).map(([name, { doc }]) => [name, doc])),
  compare: "two results, by their ratios",
};

/** `program`: how it is called. `more`: what stands behind the flags. */
export function benchHelp(program: string, more: string): string {
  const scenarios = Object.entries(loads).map(([name, { doc }]) => `  ${name.padEnd(18)}${doc}`);
  const rows = Object.entries(benchFlags).map(([name, { doc }]) => `  ${`--${name}`.padEnd(18)}${doc}`);
  return `${program}: a load at a rate that does not wait for the server (open loop)

  ${program} enqueue
  ${program} enqueue --rate 2000 --duration 1m --drivers 2
  ${program} push --rate 100..5000 --html push.html
  ${program} ping-pong --rate 200 --assert 'p99<50ms' --assert 'errors=0'
  ${program} enqueue --runs 3 --json > before.json
  ${program} compare before.json after.json

Scenarios
${scenarios.join("\n")}

Flags
${rows.join("\n")}

${rateWords}.
Metrics of --assert: ${Object.keys(metrics).join(", ")}; with < <= > >= =, and ms, s, us, /s or %.
${more}`;
}
