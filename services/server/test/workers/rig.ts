/** A server of several processes under test: who its processes are, and what it says of itself. */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type ServerProcess, type ServerProcessOptions, startServerProcess } from "../../testing/server-process.ts";

type LogLine = {
  readonly event?: string;
  readonly worker?: string;
  readonly pid?: number;
  readonly [name: string]: unknown;
};

/** A supervisor whose processes can be told to fail: see faulty-worker.ts and faulty-store.ts. */
export const faultyServer = fileURLToPath(new URL("./faulty-server.ts", import.meta.url));

/** Two workers, unless settings say otherwise. */
export function startWorkers(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  return startServerProcess({ ...options, settings: { workers: 2, ...options.settings } });
}

export function linesOf(server: ServerProcess, event: string): LogLine[] {
  const lines = server
    .log()
    .split("\n")
    .filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line) as LogLine).filter((line) => line.event === event);
}

/** "store", or a worker's number. */
export function pidOf(server: ServerProcess, name: string): number {
  const pid = linesOf(server, "process_started").findLast(({ worker }) => worker === name)?.pid;
  if (pid === undefined) throw new Error(`process ${name} was not started: ${server.log()}`);
  return pid;
}

/** Those that the log tells of, the supervisor's not. */
export function livingPids(server: ServerProcess): number[] {
  const pids = linesOf(server, "process_started").map(({ pid }) => pid as number);
  return pids.filter(isAlive);
}

/** A zombie is not: it waits only to be looked at by its parent. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

/** Resolves when it holds; the test's own time limit says when it never will. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(20);
}

export async function page(server: ServerProcess, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${server.opsPort}${path}`);
  return { status: response.status, text: await response.text() };
}

/** The sum of a metric over its labels that contain `labels`; 0 when there is none. */
export async function metric(server: ServerProcess, name: string, labels = ""): Promise<number> {
  const { text } = await page(server, "/metrics");
  let sum = 0;
  for (const line of text.split("\n")) {
    const [, metricName, lineLabels = "", value] = /^(\w+)(\{.*\})? (\S+)$/.exec(line) ?? [];
    if (metricName === name && lineLabels.includes(labels)) sum += Number(value);
  }
  return sum;
}
