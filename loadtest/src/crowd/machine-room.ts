/** Whether this machine lets so many clients run on it: each has a socket of its own, as those of real machines do. */
import { readFileSync } from "node:fs";

export type Sockets = {
  readonly sockets: number;
  /** Of the fullest process. */
  readonly socketsAProcess: number;
};

/** Files of a process beside its clients' sockets. */
const otherFiles = 100;
/** UDP ports that something else may have. */
const otherPorts = 500;

/** Throws with what to change. Where the limits cannot be read, the first client to fail will tell. */
export function requireRoom({ sockets, socketsAProcess }: Sockets): void {
  const files = numberIn("/proc/self/limits", /^Max open files\s+(\d+)/m);
  if (files !== undefined && socketsAProcess + otherFiles > files) {
    const needed = socketsAProcess + otherFiles;
    throw new Error(
      `${socketsAProcess} clients in a process need ${needed} open files, allowed are ${files}: ulimit -n ${needed}`,
    );
  }
  const file = "/proc/sys/net/ipv4/ip_local_port_range";
  const [first, last] = [numberIn(file, /^(\d+)/), numberIn(file, /(\d+)\s*$/)];
  if (first !== undefined && last !== undefined && sockets + otherPorts > last - first) {
    throw new Error(
      `${sockets} clients need as many UDP ports, the range has ${last - first}: sysctl -w net.ipv4.ip_local_port_range="1024 65535"`,
    );
  }
}

function numberIn(file: string, pattern: RegExp): number | undefined {
  try {
    const found = pattern.exec(readFileSync(file, "utf8"))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}
