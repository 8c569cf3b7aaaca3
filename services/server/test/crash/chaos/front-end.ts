/**
 * A front-end of a trial: a real qpq-server in a network of its own, one cable to this process's network. It can be killed,
 * paused, started again at its address, and cut off from the database, from Redis or from its clients.
 *
 *     this network 10.78.N.1  --  uplink 10.78.N.2 front-end N
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { Namespace } from "quicproquo-transport/testing";
import { type ServerProcess, startServerProcess } from "../../../testing/server-process.ts";
import type { ServerKeys } from "../../e2e/raw-client.ts";
import { pidOf } from "../../workers/rig.ts";

/** Whom a cable can be cut to, by what goes over it. */
const sides = ["database", "redis", "clients"] as const;
export type Side = (typeof sides)[number];

export type FrontEndOptions = {
  readonly number: number;
  readonly workers: number;
  readonly folder: string;
  readonly token: string;
  readonly databasePorts: readonly number[];
  /** The database's URL as it stands on a host of this network. */
  readonly databaseUrl: (host: string) => string;
  /** 0 = without. */
  readonly redisPort: number;
  /** Default: qpq-server. */
  readonly program?: string;
  readonly env?: Readonly<Record<string, string>>;
};

const port = 7_000;
// room for what gathers while nobody reads, and one address for all clients
const settings = {
  "queue-depth-max": 1_000_000,
  "connections-per-address-max": 10_000,
  "drain-ms": 3_000,
  "log-level": "info",
};

export class FrontEnd implements AsyncDisposable {
  readonly name: string;
  readonly host: string;
  readonly workers: number;
  readonly #options: FrontEndOptions;
  readonly #namespace: Namespace;
  readonly #hub: string;
  #process: ServerProcess | undefined;
  #keys: ServerKeys | undefined;
  #earlierLogs = "";

  private constructor(options: FrontEndOptions, namespace: Namespace) {
    this.#options = options;
    this.#namespace = namespace;
    this.name = `front-end ${options.number}`;
    this.workers = options.workers;
    this.host = `10.78.${options.number}.2`;
    this.#hub = `10.78.${options.number}.1`;
  }

  /** Started; this process must have a network of its own. */
  static async open(options: FrontEndOptions): Promise<FrontEnd> {
    await using stack = new AsyncDisposableStack();
    const namespace = stack.use(await Namespace.open());
    const frontEnd = new FrontEnd(options, namespace);
    frontEnd.#lay();
    mkdirSync(frontEnd.#dataDir);
    await frontEnd.start();
    stack.move();
    return frontEnd;
  }

  /** What a client must know of it; the same after each start. */
  get keys(): ServerKeys {
    if (this.#keys === undefined) throw new Error(`${this.name} was never started`);
    return this.#keys;
  }

  /** Log lines of all its lives. */
  get log(): string {
    return this.#earlierLogs + (this.#process?.log() ?? "");
  }

  /** Looks of waiting readers that found something since its last start, by what made them look. */
  async foundBySource(): Promise<Readonly<Record<string, number>>> {
    const page = await (await fetch(`http://${this.host}:${this.#running.opsPort}/metrics`)).text();
    const lines = page.matchAll(/^qpq_delivery_found_total\{[^}]*source="(\w+)"[^}]*\} (\d+)$/gm);
    const found: Record<string, number> = {};
    for (const [, source = "", count] of lines) found[source] = (found[source] ?? 0) + Number(count);
    return found;
  }

  async start(): Promise<void> {
    const { workers, token, redisPort, databaseUrl, program, env } = this.#options;
    this.#process = await startServerProcess({
      dataDir: this.#dataDir,
      port,
      launcher: this.#namespace.launcher,
      settings: { ...settings, host: this.host, "ops-host": this.host, workers },
      env: { QPQ_AUTH_TOKEN: token, ...env },
      cluster: {
        databaseUrl: databaseUrl(this.#hub),
        ...(redisPort > 0 && { redisUrl: `redis://${this.#hub}:${redisPort}` }),
      },
      ...(program !== undefined && { program }),
    });
    const { certificate } = this.#process;
    this.#keys = { port, certificate, token };
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** As an operator does: it tells its clients to go elsewhere, and finishes what it has. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** False: it has ended, and there is no other one yet. */
  killWorker(worker: number): boolean {
    const pid = pidOf(this.#running, String(worker));
    if (!this.#isInside(pid)) return false;
    process.kill(pid, "SIGKILL");
    return true;
  }

  /** It keeps everything it has and does nothing. The supervisor's workers go on. */
  pause(): void {
    void this.#running.kill("SIGSTOP");
  }

  resume(): void {
    void this.#running.kill("SIGCONT");
  }

  /** From now on nothing passes, both ways, without a word. */
  cut(side: Side): void {
    const { databasePorts, redisPort } = this.#options;
    const [kind, ports] = {
      database: ["tcp", databasePorts.join()],
      redis: ["tcp", redisPort],
      clients: ["udp", port],
    }[side];
    const [there, back] = side === "clients" ? ["sport", "dport"] : ["dport", "sport"];
    this.#nft(`add rule inet cuts ${side}_out ${kind} ${there} { ${ports} } drop
      add rule inet cuts ${side}_in ${kind} ${back} { ${ports} } drop`);
  }

  mend(side: Side): void {
    this.#nft(`flush chain inet cuts ${side}_out
      flush chain inet cuts ${side}_in`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#namespace[Symbol.asyncDispose]();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    await this.#process?.kill(signal);
    this.#earlierLogs = this.log;
    this.#process = undefined;
  }

  get #running(): ServerProcess {
    if (this.#process === undefined) throw new Error(`${this.name} does not run`);
    return this.#process;
  }

  /** The number may be another program's by now: only this one's processes are in its network. */
  #isInside(pid: number): boolean {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync(`/proc/${this.#namespace.pid}/ns/net`);
    } catch {
      return false;
    }
  }

  get #dataDir(): string {
    return join(this.#options.folder, `front-end-${this.#options.number}`);
  }

  #lay(): void {
    const cable = `cable${this.#options.number}`;
    runHere(
      ["ip", "-batch", "-"],
      `
      link add ${cable} type veth peer name uplink netns ${this.#namespace.pid}
      addr add ${this.#hub}/24 dev ${cable}
      link set ${cable} up`,
    );
    this.#namespace.run(
      ["ip", "-batch", "-"],
      `
      link set lo up
      link set uplink up
      addr add ${this.host}/24 dev uplink`,
    );
    const chains = sides.map(
      (side) => `add chain inet cuts ${side}_out { type filter hook output priority 0; }
        add chain inet cuts ${side}_in { type filter hook input priority 0; }`,
    );
    this.#nft(["add table inet cuts", ...chains].join("\n"));
  }

  #nft(script: string): void {
    this.#namespace.run(["nft", "-f", "-"], script);
  }
}

/** In this process's own network. */
export function runHere(argv: readonly string[], input = ""): void {
  const [command = "", ...args] = argv;
  const { status, stderr, error } = spawnSync(command, args, { input, encoding: "utf8" });
  if (status !== 0) throw new Error(`${argv.join(" ")}: ${error?.message ?? stderr}`);
}
