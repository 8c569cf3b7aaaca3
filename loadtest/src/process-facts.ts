/** What the kernel says of a process, so that asking costs the process nothing (proc(5)). */
import { readdirSync, readFileSync } from "node:fs";

export function residentBytesOf(pid: number): number {
  return statusBytes(pid, "VmRSS");
}

/** The most that was ever resident. */
export function peakResidentBytesOf(pid: number): number {
  return statusBytes(pid, "VmHWM");
}

/** Files, sockets, pipes, timers of the event loop. */
export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function statusBytes(pid: number, name: string): number {
  const kb = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kb === undefined) throw new Error(`the kernel does not tell ${name}`);
  return Number(kb) * 1_024;
}
