/** Real qpq-server processes on one cluster, each with a port of its own: what a load balancer would have behind it. */
import { makeOwnedFolder, removeFolder } from "quicproquo-server/testing/owned-folder";
import { type ServerProcess, type ServerProcessOptions, startServerProcess } from "quicproquo-server/testing";
import { compileCache } from "../compile-cache.ts";
import { cpuUsOf } from "../cpu-time.ts";
import { queueDepthMax } from "../workload.ts";
import type { FrontEndAddress } from "./clients.ts";
import type { ClusterAddress } from "./cluster.ts";

/** What is measured is the work, not its refusal. */
export const settings = {
  store: "cluster",
  "queue-depth-max": queueDepthMax,
  "sender-messages-per-second": 10_000_000,
  "sender-messages-burst": 10_000_000,
  "inbox-messages-per-second": 10_000_000,
  "inbox-messages-burst": 10_000_000,
  "log-level": "warn",
} as const;

/** Where a front-end listens unless its settings have a host. */
const loopback = "127.0.0.1";

export async function startFrontEnd(
  { databaseUrl, redisUrl }: ClusterAddress,
  options: ServerProcessOptions = {},
): Promise<FrontEnd> {
  const cluster = { databaseUrl, ...(redisUrl !== undefined && { redisUrl }) };
  return await start({ ...options, cluster, settings: { ...settings, ...options.settings } });
}

/** A server of one process on the embedded store. */
export async function startEmbedded(options: ServerProcessOptions = {}): Promise<FrontEnd> {
  return await start({ ...options, settings: { ...settings, store: "sqlite", ...options.settings } });
}

async function start(options: ServerProcessOptions): Promise<FrontEnd> {
  // it ends with the bench, however that ends
  const launcher = ["setpriv", "--pdeathsig=KILL", "--"];
  const dataDir = options.dataDir ?? makeOwnedFolder("qpq-bench-server-");
  const env = { ...compileCache, ...options.env };
  const host = String(options.settings?.["host"] ?? loopback);
  return new FrontEnd(await startServerProcess({ ...options, dataDir, launcher, env }), host);
}

export class FrontEnd implements AsyncDisposable {
  readonly process: ServerProcess;
  readonly #host: string;

  constructor(process: ServerProcess, host: string) {
    this.process = process;
    this.#host = host;
  }

  get address(): FrontEndAddress {
    const { port, certificate, token } = this.process;
    return { host: this.#host, port, token, certificateBase64: Buffer.from(certificate).toString("base64") };
  }

  /** User and system, since its start. */
  async cpuUs(): Promise<number> {
    return cpuUsOf(this.process.pid);
  }

  /** Durable messages since its start. */
  async enqueued(): Promise<number> {
    return valueOf(await this.#page(), "enqueue_total");
  }

  async waiters(): Promise<number> {
    return valueOf(await this.#page(), "qpq_waiters");
  }

  /** One of the transport's counts since the start: `handshakes`, `retries`, `refused` ... */
  async transportCount(name: string): Promise<number> {
    return valueOf(await this.#page(), "qpq_transport_total", `name="${name}"`);
  }

  async #page(): Promise<string> {
    return await (await fetch(`http://127.0.0.1:${this.process.opsPort}/metrics`)).text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    removeFolder(this.process.dataDir);
  }
}

function valueOf(page: string, name: string, labels = ""): number {
  const value = new RegExp(`^${name}(?:\\{${labels}\\})? (\\S+)`, "m").exec(page)?.[1];
  if (value === undefined) throw new Error(`the page of metrics has no ${name}`);
  return Number(value);
}
