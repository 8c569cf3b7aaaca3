/** What the kernel says of a process, so that asking costs the process nothing (proc(5)). */
import { readFileSync } from "node:fs";

/** The most that was ever resident. */
export function peakResidentBytesOf(pid: number): number {
  return statusBytes(pid, "VmHWM");
}

function statusBytes(pid: number, name: string): number {
  const kb = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kb === undefined) throw new Error(`the kernel does not tell ${name}`);
  return Number(kb) * 1_024;
}
