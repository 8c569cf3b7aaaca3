/**
 * A server of several processes: this one supervises, one owns the store, the others are workers that share the ports.
 *
 *     clients ──▶ worker 0..N-1 (front-end.ts) ──▶ store process ──▶ qpq.db
 *                     ▲                                ▲
 *                     └────── heartbeats, memory ──────┴── supervisor ──▶ /livez /readyz /metrics
 *
 * It touches no byte of the network, so nothing that comes from outside can stall or end it.
 * A process that stalls, swells or ends is replaced while the others serve; when the supervisor ends, so do they all.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { errorCodeOf } from "quicproquo-proto";
import type { ServerConfig } from "../config.ts";
import type { FrontEndParts, ShownCertificate } from "../front-end.ts";
import type { LiveSettings } from "../live-settings.ts";
import { type MetricsPage, metricsPage } from "../observe/metrics-page.ts";
import { startOpsServer } from "../ops/http.ts";
import type { StoreParts } from "../observe/observer.ts";
import type { RunningServer } from "../server.ts";
import { TransportKeys } from "../transport-keys.ts";
import { claimTcpPort, claimUdpPort } from "./claimed-port.ts";
import { GatheredMetrics } from "./gathered-metrics.ts";
import { Keeper, type KeeperOptions } from "./keeper.ts";
import type { Answers, Question } from "./messages.ts";
import { SupervisorMetrics } from "./supervisor-metrics.ts";

export type SupervisorParts = Pick<FrontEndParts, "config" | "secrets" | "certificate" | "log" | "clock"> & {
  /** Default: store.ts and worker.ts. */
  readonly programs?: { readonly store: URL; readonly worker: URL };
};

const ownPrograms = {
  store: new URL("./store.ts", import.meta.url),
  worker: new URL("./worker.ts", import.meta.url),
};

/** Starting loads the program, which takes seconds on a busy machine. */
const workerStartMsMax = 60_000;
/** A process that answers at all answers within this. */
const answerMsMax = 2_000;
const anyPortStartsMax = 3;
/** What a process has counted is asked for this often, so that little is missing when it is killed. */
const gatherMs = 5_000;

/**
 * As startServer. Nothing is left running when it rejects.
 *
 * A port that was free may be somebody else's when the workers come to it, a second later. Where any would do it begins
 * anew with others.
 */
export async function startSupervisor(parts: SupervisorParts): Promise<RunningServer> {
  const { port, websocketPort } = parts.config;
  const anyPortDoes = port === 0 && websocketPort === 0;
  for (let startsLeft = anyPortDoes ? anyPortStartsMax : 1; ; ) {
    startsLeft -= 1;
    try {
      return await startOnPorts({ ...parts, config: await withPorts(parts.config) });
    } catch (error) {
      if (startsLeft === 0 || errorCodeOf(error) !== "E047_PORT_IN_USE") throw error;
    }
  }
}

async function startOnPorts(parts: SupervisorParts): Promise<RunningServer> {
  const { config } = parts;
  const supervisor = new Supervisor(parts);
  await using started = new AsyncDisposableStack();
  started.defer(() => supervisor.stop());
  const ops = await startOpsServer(
    { host: config.opsHost, port: config.opsPort },
    {
      ready: () => supervisor.ready(),
      isDraining: () => supervisor.isDraining,
      parts: () => supervisor.parts(),
      ...(config.metrics === "on" && { metrics: (accept) => supervisor.metrics(accept) }),
    },
  );
  started.defer(() => ops.close());
  await supervisor.start();
  const owned = started.move();
  return {
    host: config.host,
    port: config.port,
    websocketPort: config.websocket === "on" ? config.websocketPort : undefined,
    opsPort: ops.port,
    parts: () => supervisor.parts(),
    setCertificate: (next) => supervisor.setCertificate(next),
    applySettings: (settings) => supervisor.applySettings(settings),
    async close() {
      // the pages stay: they say that it drains
      await supervisor.stop();
      await owned.disposeAsync();
    },
  };
}

type Kept = Pick<KeeperOptions, "program" | "task"> & Pick<KeeperOptions["limits"], "rssBytesMax" | "startMsMax">;

class Supervisor {
  /** undefined: the workers share the cluster's store, and each opens it itself. */
  readonly #store: Keeper | undefined;
  readonly #workers: readonly Keeper[];
  readonly #gathered = new GatheredMetrics();
  readonly #own = new SupervisorMetrics(
    () => this.#all,
    () => this.#stopping !== undefined,
  );
  #certificate: ShownCertificate;
  #gathering: ReturnType<typeof setInterval> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(parts: SupervisorParts) {
    const { config, secrets, clock, programs = ownPrograms } = parts;
    const { certificate, privateKey, expiresAtMs } = parts.certificate;
    this.#certificate = { certificate, privateKey, expiresAtMs };
    const serverId = config.serverId ?? new TransportKeys(secrets.transportSecret, clock).serverId;
    const folder = join(config.dataDir, "run");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { workers, workerRssBytesMax } = config.processes;
    const keep = (name: string, { program, task, ...own }: Kept): Keeper =>
      new Keeper({
        name,
        program,
        task,
        folder,
        log: parts.log,
        limits: { ...config.processes, drainMs: config.drainMs, ...own },
        // one at a time: the others serve its clients meanwhile
        mayDrain: () => this.#workers.every((worker) => worker.isUp),
        onEnd: (reason) => this.#own.ended(name, reason),
        onGone: () => this.#gathered.depart(name),
        onMetrics: (metrics) => this.#gathered.record(name, metrics),
      });
    const unwatched = { rssBytesMax: Infinity, startMsMax: Infinity };
    if (config.cluster === undefined) {
      this.#store = keep("store", { program: programs.store, task: { config }, ...unwatched });
    }
    const watched = { program: programs.worker, rssBytesMax: workerRssBytesMax, startMsMax: workerStartMsMax };
    const common = { config, secrets, certificate: this.#certificate, serverId };
    this.#workers = Array.from({ length: workers }, (_, workerId) =>
      keep(String(workerId), { ...watched, task: { ...common, workerId } }),
    );
  }

  get #all(): readonly Keeper[] {
    return this.#store === undefined ? this.#workers : [this.#store, ...this.#workers];
  }

  /** Rejects with what a process refused for. */
  async start(): Promise<void> {
    await this.#store?.start();
    await Promise.all(this.#workers.map((worker) => worker.start()));
    this.#gathering = setInterval(() => void this.#gather(), gatherMs);
  }

  get isDraining(): boolean {
    return this.#stopping !== undefined;
  }

  /** Drains the workers, then the store. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Resolves while some worker serves and reaches the store. */
  async ready(): Promise<void> {
    await this.#askAny("ready");
  }

  /** As the first worker sees them that answers. */
  parts(): Promise<StoreParts> {
    return this.#askAny("parts");
  }

  /** All workers, those to come too, or none. E046_CONFIG. */
  async setCertificate({ certificate, privateKey, expiresAtMs }: ShownCertificate): Promise<void> {
    const before = this.#certificate;
    this.#certificate = { certificate, privateKey, expiresAtMs };
    const show = (certificate: ShownCertificate) =>
      Promise.all(this.#workers.map((worker) => worker.change({ certificate })));
    try {
      await show(this.#certificate);
    } catch (error) {
      this.#certificate = before;
      await show(before);
      throw error;
    }
  }

  /** Every process, and those to come. */
  async applySettings({ logLevel, limits }: LiveSettings): Promise<void> {
    await Promise.all(this.#all.map((keeper) => keeper.change({ settings: { logLevel, limits } })));
  }

  async metrics(accept: string | undefined): Promise<MetricsPage> {
    await this.#gather();
    return await metricsPage(await this.#gathered.sumWith(await this.#own.snapshot()), accept);
  }

  async #askAny<Q extends Question>(question: Q): Promise<Answers[Q]> {
    try {
      return await Promise.any(this.#workers.map((worker) => worker.ask(question, answerMsMax)));
    } catch (error) {
      throw (error as AggregateError).errors[0];
    }
  }

  async #gather(): Promise<void> {
    const gather = async (keeper: Keeper): Promise<void> => {
      this.#gathered.record(keeper.name, await keeper.ask("metrics", answerMsMax));
    };
    // who does not answer is told of by its heartbeat; what it told last counts
    await Promise.allSettled(this.#all.map(gather));
  }

  async #stop(): Promise<void> {
    clearInterval(this.#gathering);
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    await this.#store?.stop();
  }
}

/** The ports that the workers will share: 0 is a number by then. */
async function withPorts(config: ServerConfig): Promise<ServerConfig> {
  const { host } = config;
  const port = await claimUdpPort({ host, port: config.port });
  const dataDir = resolve(config.dataDir);
  if (config.websocket === "off") return { ...config, port, dataDir };
  const wanted = config.websocketPort === 0 ? port : config.websocketPort;
  const websocketPort = await claimTcpPort({ host, port: wanted }).catch((error: unknown) => {
    // where any port would do, so does another one for TCP
    if (config.port === 0 && config.websocketPort === 0) return claimTcpPort({ host, port: 0 });
    throw error;
  });
  return { ...config, port, websocketPort, dataDir };
}
