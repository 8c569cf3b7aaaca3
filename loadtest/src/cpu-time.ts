/** What a process has used, as the kernel counts it, so that asking costs the process nothing. */
import { readdirSync, readFileSync } from "node:fs";

/** User and system of all its threads that live, in us; 0 when it has ended. */
export function cpuUsOf(pid: number): number {
  const threads = `/proc/${pid}/task`;
  try {
    return readdirSync(threads).reduce((sum, thread) => sum + threadCpuUs(`${threads}/${thread}`), 0);
  } catch {
    return 0;
  }
}

/** The same of its first thread, which runs what waits for nobody: one process cannot do more than a core of it. */
export function mainThreadCpuUsOf(pid: number): number {
  return threadCpuUs(`/proc/${pid}/task/${pid}`);
}

/** The same of each of its threads, by their names; of one name together. */
export function threadsCpuUsOf(pid: number): ReadonlyMap<string, number> {
  const threads = `/proc/${pid}/task`;
  const used = new Map<string, number>();
  for (const thread of readdirSync(threads)) {
    const name = readFileSync(`${threads}/${thread}/comm`, "utf8").trim();
    used.set(name, (used.get(name) ?? 0) + threadCpuUs(`${threads}/${thread}`));
  }
  return used;
}

function threadCpuUs(folder: string): number {
  return Number(readFileSync(`${folder}/schedstat`, "utf8").split(" ")[0]) / 1_000;
}
