/** Which node serves which partitions: the answer of CLUSTER SLOTS, of which only what concerns us is kept. */
import type { RedisHost } from "./address.ts";
import { type Partition, partitions } from "./partitions.ts";

/** By `host port`. A partition that no node serves is in none of them. */
export type Plan = ReadonlyMap<string, readonly Partition[]>;

/** `asked`: who answered. Throws when the answer is none. */
export function readPlan(answer: unknown, asked: RedisHost): Plan {
  if (!Array.isArray(answer)) throw new Error("CLUSTER SLOTS was answered with something else");
  const ranges = answer.map((range: unknown) => rangeOf(range, asked));
  const plan = new Map<string, Partition[]>();
  for (const partition of partitions) {
    const range = ranges.find(({ from, to }) => from <= partition.slot && partition.slot <= to);
    if (range === undefined) continue;
    const of = plan.get(range.name);
    if (of === undefined) plan.set(range.name, [partition]);
    else of.push(partition);
  }
  return plan;
}

export function nameOf({ host, port }: RedisHost): string {
  return `${host} ${port}`;
}

export function hostOf(name: string): RedisHost {
  const [host = "", port] = name.split(" ");
  return { host, port: Number(port) };
}

/** `[from, to, [host, port, ...] of the master, replicas ...]`; a node that knows no name of its own has null or "". */
function rangeOf(range: unknown, asked: RedisHost): { from: number; to: number; name: string } {
  const [from, to, master] = range as [unknown, unknown, unknown];
  const [host, port] = master as [unknown, unknown];
  const text = host === null ? "" : String(host);
  return { from: Number(from), to: Number(to), name: nameOf({ host: text || asked.host, port: Number(port) }) };
}
