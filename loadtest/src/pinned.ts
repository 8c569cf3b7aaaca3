/**
 * Which cores the two ends of a measurement run on: one each, the same for every side, so that the scheduler's choices
 * are no part of a comparison. Where that cannot be done (no taskset, one core) programs run where they like.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export type Cores = { readonly server: number; readonly client: number };

/** undefined: this machine cannot pin, or has no two cores for us. */
export function coresOfTwo(): Cores | undefined {
  if (process.platform !== "linux" || spawnSync("taskset", ["--version"]).status !== 0) return undefined;
  const [server, client] = allowedCores();
  return server === undefined || client === undefined ? undefined : { server, client };
}

/** The command that runs a program on one core. */
export function onCore(core: number | undefined, command: readonly [string, ...string[]]): [string, ...string[]] {
  return core === undefined ? [...command] : ["taskset", "-c", String(core), ...command];
}

/** This process and all that it starts from now on run on two cores. False: they run where they like. */
export function keepToTwoCores(): boolean {
  const cores = allowedCores();
  if (cores.length <= 2) return cores.length === 2;
  return spawnSync("taskset", ["-a", "-c", "-p", cores.slice(0, 2).join(","), String(process.pid)]).status === 0;
}

/** From a list like `0-3,8`. */
function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
