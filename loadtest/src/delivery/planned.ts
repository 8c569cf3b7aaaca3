/** One cluster with some front-ends and their callers: what a durable message costs each of them, at a size of its payload. */
import { setTimeout } from "node:timers/promises";
import type { Window } from "../closed-loop.ts";
import { cpuUsOf, mainThreadCpuUsOf } from "../cpu-time.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { type FrontEnd, startEmbedded, startFrontEnd } from "./front-ends.ts";
import { callers, Load } from "./load.ts";
import { networkHost } from "./network-host.ts";

/** us of CPU a message, user and system. */
type MessageCosts = {
  readonly perSecond: number;
  readonly frontEndsUs: number;
  /** Of frontEndsUs. */
  readonly mainThreadsUs: number;
  readonly databaseUs: number;
  readonly callersUs: number;
};

/** `processes`: front-ends of a cluster; 0: one on the embedded store. */
export type SideSize = { readonly processes: number; readonly connections: number };

export function callsPerConnection({ connections }: SideSize): number {
  return callers / connections;
}

export async function startPlannedSide({ processes, connections }: SideSize): Promise<PlannedSide> {
  await using started = new AsyncDisposableStack();
  const cluster = processes === 0 ? undefined : started.use(await startCluster());
  const frontEnds: FrontEnd[] = [];
  const host = networkHost(); // what is planned is for clients that come over a network
  const options = host === undefined ? {} : { settings: { host } };
  const start = async (): Promise<FrontEnd> =>
    await (cluster === undefined ? startEmbedded(options) : startFrontEnd(cluster.address, options));
  while (frontEnds.length < Math.max(1, processes)) frontEnds.push(started.use(await start()));
  const load = started.use(
    await Load.start("enqueue", { frontEnds: frontEnds.map(({ address }) => address), connections }),
  );
  return new PlannedSide(started.move(), { cluster, frontEnds, load });
}

type Parts = { readonly cluster: Cluster | undefined; readonly frontEnds: readonly FrontEnd[]; readonly load: Load };

export class PlannedSide implements AsyncDisposable {
  readonly #started: AsyncDisposableStack;
  readonly #parts: Parts;

  constructor(started: AsyncDisposableStack, parts: Parts) {
    this.#started = started;
    this.#parts = parts;
  }

  async run(payloadBytes: number, window: Window): Promise<MessageCosts> {
    const { load } = this.#parts;
    await load.peer.ask("payloads", { bytes: payloadBytes });
    const [{ perSecond, requests }, used] = await Promise.all([load.run(window), this.#usedWithin(window)]);
    const [frontEndsUs = 0, mainThreadsUs = 0, databaseUs = 0, callersUs = 0] = used.map((us) => us / requests);
    return { perSecond, frontEndsUs, mainThreadsUs, databaseUs, callersUs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#started.disposeAsync();
  }

  async #usedWithin({ warmUpMs, windowMs }: Window): Promise<readonly number[]> {
    await setTimeout(warmUpMs);
    const from = this.#used();
    await setTimeout(windowMs);
    return this.#used().map((us, i) => us - (from[i] as number));
  }

  #used(): readonly number[] {
    const { cluster, frontEnds, load } = this.#parts;
    const pids = frontEnds.map(({ process }) => process.pid);
    const sumOf = (each: (pid: number) => number): number => pids.reduce((sum, pid) => sum + each(pid), 0);
    return [sumOf(cpuUsOf), sumOf(mainThreadCpuUsOf), cluster?.databaseCpuUs() ?? 0, cpuUsOf(load.peer.pid)];
  }
}
