/**
 * What the echo servers of the scenario have in common: the task, and what they tell of themselves. Each counts what it
 * does, so that CPU and work are read at one moment and belong together.
 */
import { answerParent } from "../answer-parent.ts";

export type ServerTask = {
  /** PEM. */
  readonly certificate: string;
  readonly privateKey: string;
};

export const alpn = "bench";

export type ServerUse = {
  readonly atMs: number;
  /** User and system, of the whole process since it began. */
  readonly cpuUs: number;
  readonly echoedBytes: number;
  readonly handshakes: number;
};

export type Counts = { echoedBytes: number; handshakes: number };

/** Starts to listen on a free port of 127.0.0.1 and answers it. */
export type Listen = (task: ServerTask, counts: Counts) => Promise<number>;

export function serveEcho(listen: Listen): void {
  const counts: Counts = { echoedBytes: 0, handshakes: 0 };
  answerParent({
    listen: (task: ServerTask) => listen(task, counts),
    use: (): ServerUse => {
      const { user, system } = process.cpuUsage();
      return { atMs: performance.now(), cpuUs: user + system, ...counts };
    },
    /** Bytes resident after two collections: what is left of garbage is not a connection's. */
    resident: async (): Promise<number> => {
      for (let i = 0; i < 2; i++) {
        globalThis.gc?.();
        await new Promise(setImmediate);
      }
      return process.memoryUsage.rss();
    },
  });
}
