/** Front-ends on one cluster, each with connections and a load of its own, all the same: what a message costs them. */
import { setTimeout } from "node:timers/promises";
import { cpuUsOf, mainThreadCpuUsOf } from "../cpu-time.ts";
import { Senders } from "../crowd/senders.ts";
import { inboxCount, payloadBytes } from "../workload.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { type FrontEnd, startFrontEnd } from "./front-ends.ts";

/** Of each front-end. */
export const connections = 8;

/** us of CPU a message, user and system. */
export type ProcessCosts = {
  readonly perSecond: number;
  readonly frontEndsUs: number;
  /** Of frontEndsUs. */
  readonly mainThreadsUs: number;
  readonly databaseUs: number;
};

export type Timing = { readonly settleMs: number; readonly windowMs: number };

export class Processes implements AsyncDisposable {
  readonly #started: AsyncDisposableStack;
  readonly #cluster: Cluster;
  readonly #frontEnds: readonly FrontEnd[];
  /** One for each front-end, so that a load can be of some of them. */
  readonly #senders: readonly Senders[];
  #seed = 1;

  private constructor(
    started: AsyncDisposableStack,
    cluster: Cluster,
    ends: readonly (readonly [FrontEnd, Senders])[],
  ) {
    this.#started = started;
    this.#cluster = cluster;
    this.#frontEnds = ends.map(([frontEnd]) => frontEnd);
    this.#senders = ends.map(([, senders]) => senders);
  }

  static async start(count: number): Promise<Processes> {
    await using started = new AsyncDisposableStack();
    const cluster = started.use(await startCluster());
    const ends = await Promise.all(
      Array.from({ length: count }, async () => {
        const frontEnd = started.use(await startFrontEnd(cluster.address));
        const task = {
          frontEnds: [frontEnd.address],
          connections,
          inboxes: "recipient",
          count: inboxCount,
          payloadBytes,
        };
        return [frontEnd, started.use(await Senders.start(task))] as const;
      }),
    );
    return new Processes(started.move(), cluster, ends);
  }

  /** Each of the first `loaded` front-ends is sent `perSecond`, at set times. */
  async run(perSecond: number, { settleMs, windowMs }: Timing, loaded = this.#senders.length): Promise<ProcessCosts> {
    const senders = this.#senders.slice(0, loaded);
    const seconds = (settleMs + windowMs) / 1_000 + 60; // it is stopped before
    const sending = senders.map((each) => each.send({ perSecond, seconds, seed: this.#seed++ }));
    const [used, messages] = await this.#within({ settleMs, windowMs }, senders);
    await Promise.all(senders.map((each) => each.stop()));
    for (const recorder of await Promise.all(sending)) {
      if (recorder.errorCount > 0) throw new Error(`messages failed: ${JSON.stringify(recorder.errors)}`);
    }
    const [frontEndsUs = 0, mainThreadsUs = 0, databaseUs = 0] = used.map((us) => us / messages);
    return { perSecond: (messages / windowMs) * 1_000, frontEndsUs, mainThreadsUs, databaseUs };
  }

  /** us of CPU a message that the last front-end hears of, while only the first one is sent any. */
  async hearing(perSecond: number, timing: Timing): Promise<number> {
    const { pid } = (this.#frontEnds.at(-1) as FrontEnd).process;
    const running = this.run(perSecond, timing, 1);
    await setTimeout(timing.settleMs);
    const from = cpuUsOf(pid);
    await setTimeout(timing.windowMs);
    const usedUs = cpuUsOf(pid) - from;
    return usedUs / ((await running).perSecond * (timing.windowMs / 1_000));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#started.disposeAsync();
  }

  async #within(
    { settleMs, windowMs }: Timing,
    senders: readonly Senders[],
  ): Promise<readonly [used: readonly number[], messages: number]> {
    const acknowledged = async (): Promise<number> => {
      const each = await Promise.all(senders.map((one) => one.sent()));
      return each.reduce((sum, { acknowledged: count }) => sum + count, 0);
    };
    await setTimeout(settleMs);
    const [countFrom, from] = [await acknowledged(), this.#used()];
    await setTimeout(windowMs);
    const [countTo, to] = [await acknowledged(), this.#used()];
    return [to.map((us, i) => us - (from[i] as number)), countTo - countFrom];
  }

  #used(): readonly number[] {
    const sumOf = (each: (pid: number) => number): number =>
      this.#frontEnds.reduce((sum, { process }) => sum + each(process.pid), 0);
    return [sumOf(cpuUsOf), sumOf(mainThreadCpuUsOf), this.#cluster.databaseCpuUs()];
  }
}
