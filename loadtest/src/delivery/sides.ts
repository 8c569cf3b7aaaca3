/**
 * What is compared: our front-ends, the store they stand on, and the brokers. All are started and connected before the
 * first window, so that a window begins at once; who is not measured is idle.
 */
import { RedisProcess } from "quicproquo-server/testing/redis";
import type { LoopResult, Window } from "../closed-loop.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { type FrontEnd, startFrontEnd } from "./front-ends.ts";
import { Load, runWithUse, type Used } from "./load.ts";
import { type NatsProgram, startNats } from "./nats.ts";
import { startRabbit } from "./rabbitmq.ts";
import { SubscribedSide } from "./subscribed.ts";

export type SideName =
  | "direct"
  | "ours_8x32"
  | "ours_256x1"
  | "ours_8x32_2"
  | "ours_8x32_4"
  | "redis_always_plain"
  | "redis_always_tls"
  | "jetstream_default"
  | "jetstream_always"
  | "rabbitmq";

type SideResult = LoopResult & Partial<Used>;
type Run = (window: Window) => Promise<SideResult>;

export type SidesOptions = {
  readonly nats: NatsProgram;
  /** Takes 10 s to start. */
  readonly rabbit: boolean;
  /** Of the second cluster; the first has one. */
  readonly frontEnds: number;
};

/** Connections of every side but one. */
const connections = 8;

export class Sides implements AsyncDisposable {
  readonly runs = new Map<SideName, Run>();
  readonly #started = new AsyncDisposableStack();
  #cluster: Cluster | undefined;
  #fanOuts: Load | undefined;
  #subscribed: SubscribedSide | undefined;

  static async start(options: SidesOptions): Promise<Sides> {
    const sides = new Sides();
    try {
      await Promise.all([sides.#startOurs(options.frontEnds), sides.#startBrokers(options)]);
    } catch (error) {
      await sides[Symbol.asyncDispose]();
      throw error;
    }
    return sides;
  }

  get cluster(): Cluster {
    return this.#cluster as Cluster;
  }

  get subscribed(): SubscribedSide {
    return this.#subscribed as SubscribedSide;
  }

  /** ms of one. */
  async fanOut(task: { readonly recipients: number; readonly payloadBytes: number }): Promise<number> {
    return await (this.#fanOuts as Load).peer.ask<number>("fanOut", task);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#started.disposeAsync();
  }

  /** Front-ends hear of each other's messages, so those that are measured alone have a cluster of their own. */
  async #startOurs(count: number): Promise<void> {
    const [one, many] = await Promise.all([this.#startCluster(1), this.#startCluster(count)]);
    this.#cluster = one.cluster;
    const direct = await this.#load("store", one.cluster.address);
    this.runs.set("direct", (window) => runWithUse(direct, one.frontEnds, window));
    this.#fanOuts = await this.#startWay("ours_8x32", one.frontEnds, connections);
    await this.#startWay("ours_256x1", one.frontEnds, 256);
    if (count > 2) await this.#startWay("ours_8x32_2", many.frontEnds.slice(0, 2), connections);
    await this.#startWay(`ours_8x32_${count}` as SideName, many.frontEnds, connections);
    this.#subscribed = this.#started.use(await SubscribedSide.start(many.frontEnds.slice(0, 2)));
  }

  async #startCluster(count: number): Promise<{ cluster: Cluster; frontEnds: readonly FrontEnd[] }> {
    const cluster = this.#started.use(await startCluster());
    const frontEnds = await Promise.all(Array.from({ length: count }, () => startFrontEnd(cluster.address)));
    for (const frontEnd of frontEnds) this.#started.use(frontEnd);
    return { cluster, frontEnds };
  }

  async #startWay(name: SideName, frontEnds: readonly FrontEnd[], connectionCount: number): Promise<Load> {
    const task = { frontEnds: frontEnds.map(({ address }) => address), connections: connectionCount };
    const load = await this.#load("enqueue", task);
    this.runs.set(name, (window) => runWithUse(load, frontEnds, window));
    return load;
  }

  async #startBrokers({ nats, rabbit }: SidesOptions): Promise<void> {
    await Promise.all([
      this.#startRedis("redis_always_plain", false),
      this.#startRedis("redis_always_tls", true),
      this.#startNats("jetstream_default", nats, "2m"),
      nats.canFsyncAlways && this.#startNats("jetstream_always", nats, "always"),
      rabbit && this.#startRabbit(),
    ]);
  }

  async #startRedis(name: SideName, tls: boolean): Promise<void> {
    const server = await RedisProcess.start({ tls, settings: { appendonly: "yes", appendfsync: "always" } });
    this.#started.use(server);
    const { port, certificateFile } = server;
    await this.#startBroker(name, "redis", { port, certificateFile });
  }

  async #startNats(name: SideName, nats: NatsProgram, fsync: "2m" | "always"): Promise<void> {
    const { port, program, streams } = await startNats(nats, { fsync });
    this.#started.use(program);
    await this.#startBroker(name, "nats", { port, streams });
  }

  async #startRabbit(): Promise<void> {
    const server = this.#started.use(await startRabbit());
    await this.#startBroker("rabbitmq", "rabbitmq", { port: server.port });
  }

  async #startBroker(name: SideName, program: "redis" | "nats" | "rabbitmq", task: object): Promise<void> {
    const load = await this.#load(program, { ...task, connections });
    this.runs.set(name, (window) => load.run(window));
  }

  async #load(program: Parameters<typeof Load.start>[0], task: object): Promise<Load> {
    return this.#started.use(await Load.start(program, task));
  }
}
