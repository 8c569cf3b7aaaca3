/** What the agent counts, as a page for Prometheus (text format 0.0.4). */
import type { Bytes } from "../open-loop/connection-pool.ts";

/** Of the histogram, in seconds: from a call within the machine to one that ran into its deadline. */
const bucketsSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

export type Now = { readonly inFlight: number; readonly bytes: Bytes };

class Distribution {
  readonly buckets = new Array<number>(bucketsSeconds.length).fill(0);
  sumSeconds = 0;
  count = 0;

  add(seconds: number): void {
    const at = bucketsSeconds.findIndex((bound) => seconds <= bound);
    if (at !== -1) this.buckets[at] = (this.buckets[at] as number) + 1;
    this.sumSeconds += seconds;
    this.count++;
  }
}

export class AgentMetrics {
  /** By action; both names are the table's, so there are never many. */
  readonly #durations = new Map<string, Distribution>();
  /** By action and code. */
  readonly #outcomes = new Map<string, number>();
  /** By code. */
  readonly #refusals = new Map<string, number>();

  ended(action: string, code: string, seconds: number): void {
    const duration = this.#durations.get(action) ?? new Distribution();
    this.#durations.set(action, duration);
    duration.add(seconds);
    count(this.#outcomes, `action="${action}",code="${code}"`);
  }

  /** A request that came to no action. */
  refused(code: string): void {
    count(this.#refusals, `code="${code}"`);
  }

  page({ inFlight, bytes }: Now): string {
    return [
      ...head("qpq_agent_actions_total", "counter", "Actions that ended; code is ok or that of the error."),
      ...samples("qpq_agent_actions_total", this.#outcomes),
      ...head("qpq_agent_action_duration_seconds", "histogram", "Of an action, without the HTTP around it."),
      ...[...this.#durations].flatMap(([action, duration]) => histogram(`action="${action}"`, duration)),
      ...head("qpq_agent_refused_total", "counter", "Requests that came to no action."),
      ...samples("qpq_agent_refused_total", this.#refusals),
      ...head("qpq_agent_in_flight", "gauge", "Actions under way."),
      `qpq_agent_in_flight ${inFlight}`,
      ...head("qpq_agent_bytes_total", "counter", "Over its connections to the server, headers and handshakes too."),
      `qpq_agent_bytes_total{direction="in"} ${bytes.in}`,
      `qpq_agent_bytes_total{direction="out"} ${bytes.out}`,
      "",
    ].join("\n");
  }
}

function count(counts: Map<string, number>, labels: string): void {
  counts.set(labels, (counts.get(labels) ?? 0) + 1);
}

function head(name: string, type: string, doc: string): string[] {
  return [`# HELP ${name} ${doc}`, `# TYPE ${name} ${type}`];
}

function samples(name: string, counts: ReadonlyMap<string, number>): string[] {
  return [...counts].map(([labels, value]) => `${name}{${labels}} ${value}`);
}

function histogram(labels: string, { buckets, sumSeconds, count }: Distribution): string[] {
  const name = "qpq_agent_action_duration_seconds";
  let below = 0;
  const lines = bucketsSeconds.map((bound, i) => {
    below += buckets[i] as number;
    return `${name}_bucket{${labels},le="${bound}"} ${below}`;
  });
  return [
    ...lines,
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${sumSeconds}`,
    `${name}_count{${labels}} ${count}`,
  ];
}
