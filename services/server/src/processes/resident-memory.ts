/** How much memory a process takes, seen from outside: also of one that does not answer. */
import { readFileSync } from "node:fs";

/** Resident set in bytes (proc_pid_status(5), VmRSS); undefined when there is no such process, or no /proc. */
export function residentBytesOf(pid: number): number | undefined {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, "latin1");
  } catch {
    return undefined;
  }
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024;
}
