/**
 * One front-end process on each of our stores, and the brokers that are compared to it, each with a client process of its
 * own. All are started and connected before the first window; one is measured at a time.
 */
import { setTimeout } from "node:timers/promises";
import { RedisProcess } from "quicproquo-server/testing/redis";
import type { LoopResult, Window } from "../closed-loop.ts";
import { cpuUsOf } from "../cpu-time.ts";
import { startCluster } from "../delivery/cluster.ts";
import { type FrontEnd, startEmbedded, startFrontEnd } from "../delivery/front-ends.ts";
import { Load, type Shape } from "../delivery/load.ts";
import { type NatsProgram, startNats } from "../delivery/nats.ts";
import { networkHost } from "../delivery/network-host.ts";
import { startRabbit } from "../delivery/rabbitmq.ts";

export type PeerName =
  | "embedded"
  | "embedded_network"
  | "embedded_calls"
  | "cluster"
  | "cluster_calls"
  | "redis_always_tls"
  | "redis_always_plain"
  | "redis_equal_tls"
  | "jetstream_default_tls"
  | "jetstream_always_tls"
  | "jetstream_equal_tls"
  | "rabbitmq_tls";

/** us of CPU a message, user and system, of all processes of the side. */
export type PeerResult = LoopResult & { readonly serverUs: number; readonly clientUs: number };

/** Of every client process. */
export const connections = 8;

export class PeerSide {
  readonly name: PeerName;
  readonly load: Load;
  /** Of its server's processes, as they are now. */
  readonly pids: () => readonly number[];

  constructor(name: PeerName, load: Load, pids: () => readonly number[]) {
    this.name = name;
    this.load = load;
    this.pids = pids;
  }

  /** Payloads are that long from now on; a broker forgets what it holds, ours goes on to other inboxes. */
  async begin(payloadBytes: number): Promise<void> {
    await this.load.peer.ask("begin", { payloadBytes });
  }

  async run(window: Window, shape: Shape): Promise<PeerResult> {
    const [result, [serverUs = 0, clientUs = 0]] = await Promise.all([
      this.load.run(window, shape),
      this.#usedWithin(window),
    ]);
    return { ...result, serverUs: serverUs / result.requests, clientUs: clientUs / result.requests };
  }

  /** Since `begin`; all of them are acknowledged when no run is under way. */
  async sent(): Promise<number> {
    return await this.load.peer.ask<number>("sent");
  }

  /** Since `begin`, as its server has them. */
  async stored(): Promise<number> {
    return await this.load.peer.ask<number>("stored");
  }

  /** Version and cipher of a connection, by its client's socket; "none" without. */
  async encryption(): Promise<string> {
    return await this.load.peer.ask<string>("encryption");
  }

  async #usedWithin({ warmUpMs, windowMs }: Window): Promise<number[]> {
    await setTimeout(warmUpMs);
    const from = this.#used();
    await setTimeout(windowMs);
    return this.#used().map((us, i) => us - (from[i] as number));
  }

  #used(): number[] {
    return [this.pids().reduce((sum, pid) => sum + cpuUsOf(pid), 0), cpuUsOf(this.load.peer.pid)];
  }
}

/** undefined: sides that need it are left out. */
export type PeersOptions = {
  readonly nats: NatsProgram | undefined;
  readonly rabbit: boolean;
  readonly cluster: boolean;
};

export class PeerSides implements AsyncDisposable {
  readonly all: PeerSide[] = [];
  readonly #started = new AsyncDisposableStack();

  static async start({ nats, rabbit, cluster }: PeersOptions): Promise<PeerSides> {
    const sides = new PeerSides();
    try {
      await Promise.all([
        sides.#startOurs(cluster),
        sides.#startRedis(),
        nats !== undefined && sides.#startNats(nats),
        rabbit && sides.#startRabbit(),
      ]);
    } catch (error) {
      await sides[Symbol.asyncDispose]();
      throw error;
    }
    return sides;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#started.disposeAsync();
  }

  async #startOurs(withCluster: boolean): Promise<void> {
    const embedded = this.#started.use(await startEmbedded());
    await this.#addFrontEnd("embedded", embedded, () => []);
    await this.#addFrontEnd("embedded_calls", embedded, () => []);
    const host = networkHost();
    if (host !== undefined) {
      const frontEnd = this.#started.use(await startEmbedded({ settings: { host } }));
      await this.#addFrontEnd("embedded_network", frontEnd, () => []);
    }
    if (!withCluster) return;
    const cluster = this.#started.use(await startCluster());
    const frontEnd = this.#started.use(await startFrontEnd(cluster.address));
    await this.#addFrontEnd("cluster", frontEnd, cluster.pids);
    await this.#addFrontEnd("cluster_calls", frontEnd, cluster.pids);
  }

  async #addFrontEnd(name: PeerName, frontEnd: FrontEnd, store: () => readonly number[]): Promise<void> {
    const pids = (): readonly number[] => [frontEnd.process.pid, ...store()];
    const gathered = !name.endsWith("_calls");
    await this.#add(name, "enqueue", { frontEnds: [frontEnd.address], gathered }, pids);
  }

  async #startRedis(): Promise<void> {
    // rewriting its log would be its own choice of the window in which it does
    const settings = { appendonly: "yes", appendfsync: "always", "auto-aof-rewrite-percentage": 0 };
    for (const [name, tls] of [
      ["redis_always_tls", true],
      ["redis_always_plain", false],
      ["redis_equal_tls", true],
    ] as const) {
      const server = this.#started.use(await RedisProcess.start({ tls, settings }));
      const { port, certificateFile } = server;
      const task = { port, certificateFile, equal: name === "redis_equal_tls" };
      await this.#add(name, "redis", task, () => [server.pid as number]);
    }
  }

  async #startNats(nats: NatsProgram): Promise<void> {
    await this.#startJetStream("jetstream_default_tls", nats, "2m");
    if (!nats.canFsyncAlways) return;
    await this.#startJetStream("jetstream_always_tls", nats, "always");
    await this.#startJetStream("jetstream_equal_tls", nats, "always");
  }

  async #startJetStream(name: PeerName, nats: NatsProgram, fsync: "2m" | "always"): Promise<void> {
    const { port, program, streams } = await startNats(nats, { fsync, tls: true });
    this.#started.use(program);
    const { certificateFile, pid } = program;
    const task = { port, certificateFile, streams, equal: name === "jetstream_equal_tls" };
    await this.#add(name, "nats", task, () => [pid]);
  }

  async #startRabbit(): Promise<void> {
    const { port, program } = this.#started.use(await startRabbit({ tls: true }));
    const { certificateFile, pid } = program;
    await this.#add("rabbitmq_tls", "rabbitmq", { port, certificateFile }, () => [pid]);
  }

  async #add(
    name: PeerName,
    program: Parameters<typeof Load.start>[0],
    task: object,
    pids: () => readonly number[],
  ): Promise<void> {
    const load = this.#started.use(await Load.start(program, { ...task, connections }));
    this.all.push(new PeerSide(name, load, pids));
  }
}
