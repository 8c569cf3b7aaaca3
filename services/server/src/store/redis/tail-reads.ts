/** Reads of the hot tail: those of one turn travel together, one command a partition. */
import type { RedisNodes } from "./nodes.ts";
import type { Partition } from "./partitions.ts";

export type TailRead = { readonly name: string; readonly after: bigint; readonly limit: number };

/** `isAll`: nothing stands behind them. */
export type TailEntries = { readonly entries: readonly unknown[]; readonly isAll: boolean };

/** Of one read. Who is further behind asks Postgres. */
const entriesMax = 8;
/** Of one command. */
const atOnceMax = 100;
/**
 * Under way, as many as a frame has hints: with entries of 4 KiB, 16 MiB of answers, half of what Redis lets a connection
 * that hears channels be behind with (client-output-buffer-limit pubsub).
 */
const readsMax = 512;
/** Postgres answers within that. */
const answerMsMax = 50;

type Waiting = TailRead & { readonly resolve: (found: TailEntries) => void };

const nothing: TailEntries = { entries: [], isAll: false };

export class TailReads {
  readonly #nodes: RedisNodes;
  #waiting = new Map<Partition, Waiting[]>();
  #underWay = 0;

  constructor(nodes: RedisNodes) {
    this.#nodes = nodes;
  }

  /** Ascending, behind `after`; also none. Never rejects. undefined: Redis is away, or too many read. */
  read(partition: Partition, read: TailRead): Promise<TailEntries> | undefined {
    if (this.#underWay >= readsMax || this.#nodes.linkOf(partition) === undefined) return undefined;
    this.#underWay++;
    return new Promise((resolve) => {
      if (this.#waiting.size === 0) setImmediate(() => this.#flush());
      const waiting = { ...read, resolve };
      const group = this.#waiting.get(partition);
      if (group === undefined) this.#waiting.set(partition, [waiting]);
      else group.push(waiting);
    });
  }

  #flush(): void {
    const groups = this.#waiting;
    this.#waiting = new Map();
    for (const [partition, all] of groups) {
      for (let at = 0; at < all.length; at += atOnceMax) void this.#send(partition, all.slice(at, at + atOnceMax));
    }
  }

  /** Never rejects. */
  async #send(partition: Partition, reads: readonly Waiting[]): Promise<void> {
    const names = reads.map(({ name }) => name);
    const after = reads.map(({ after }) => `${after}-0`);
    const count = Math.min(entriesMax, Math.max(...reads.map(({ limit }) => limit)));
    const timeout = Promise.withResolvers<undefined>();
    // a loop that stood still hears first what has come meanwhile
    const timer = setTimeout(() => setImmediate(timeout.resolve, undefined), answerMsMax);
    const call = this.#nodes.linkOf(partition)?.call(["XREAD", "COUNT", count, "STREAMS", ...names, ...after]);
    const ended = (): void => void (this.#underWay -= reads.length);
    void Promise.resolve(call).then(ended);
    const answer = await Promise.race([call, timeout.promise]);
    clearTimeout(timer);
    // [name, entries, name, entries, ...], without those that have none
    const found = new Map<string, readonly unknown[]>();
    if (Array.isArray(answer)) {
      for (let i = 0; i < answer.length; i += 2) found.set((answer[i] as Buffer).toString("latin1"), answer[i + 1]);
    }
    for (const { name, limit, resolve } of reads) {
      const entries = found.get(name);
      if (entries === undefined) resolve(nothing);
      else resolve({ entries: entries.slice(0, limit), isAll: entries.length < count && entries.length <= limit });
    }
  }
}
