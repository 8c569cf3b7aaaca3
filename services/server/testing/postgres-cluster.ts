/**
 * A Postgres server of its own for tests: a new data folder, a free port of 127.0.0.1, fsync on. It can be stopped,
 * killed, started again, and followed by a standby. It ends with this process, however that ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { removeFolder } from "./owned-folder.ts";
import { isRoot, makeFolder } from "./postgres-folder.ts";

/** Of Debian's postgresql-15. */
const programs = "/usr/lib/postgresql/15/bin";
const startMsMax = 60_000;

export const superuser = "qpq";

export type ClusterOptions = {
  /** Lines of postgresql.conf: { synchronous_commit: "on" }. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Lines of pg_hba.conf in front of the one that trusts everybody. */
  readonly access?: readonly string[];
  /** In front of the start, e.g. to put a certificate into the data folder. */
  readonly prepare?: (dataFolder: string) => void;
};

export class PostgresCluster implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly #dataFolder: string;
  #server: ChildProcess | undefined;
  #log = "";
  #stopping: ReturnType<typeof setInterval> | undefined;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
    this.#dataFolder = join(folder, "data");
    // a test that was forgotten to be ended, or that failed before it could
    process.on("exit", this.#onExit);
  }

  /** Answers when it takes connections. */
  static async start({ settings = {}, access = [], prepare }: ClusterOptions = {}): Promise<PostgresCluster> {
    const cluster = new PostgresCluster(makeFolder(), await portOf(settings));
    // not synced: the folder is thrown away; what the server writes later is
    await runProgram("initdb", [
      "-D",
      cluster.#dataFolder,
      "-U",
      superuser,
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--locale=C",
      "-N",
    ]);
    cluster.#configure({
      listen_addresses: "127.0.0.1",
      unix_socket_directories: cluster.folder,
      shared_buffers: "128MB",
      max_wal_size: "4GB",
      fsync: "on",
      ...settings,
      port: cluster.port,
    });
    cluster.#allow(access);
    prepare?.(cluster.#dataFolder);
    await cluster.startAgain();
    return cluster;
  }

  /** A copy that follows `primary` by streaming, with its settings under its own; answers when it serves reads. */
  static async standbyOf(
    primary: PostgresCluster,
    name: string,
    settings: ClusterOptions["settings"] = {},
  ): Promise<PostgresCluster> {
    const standby = new PostgresCluster(makeFolder(), await portOf(settings));
    const source = `host=${primary.folder} port=${primary.port} user=${superuser} application_name=${name}`;
    await runProgram("pg_basebackup", [
      "-D",
      standby.#dataFolder,
      "-d",
      source,
      "-R",
      "-X",
      "stream",
      "-c",
      "fast",
      "-N",
    ]);
    standby.#configure({ ...settings, port: standby.port, unix_socket_directories: standby.folder });
    await standby.startAgain();
    return standby;
  }

  get isRunning(): boolean {
    return this.#server !== undefined;
  }

  /** What it has logged. */
  get log(): string {
    return this.#log;
  }

  /** Of the server and of what serves a connection or works in the background; none while it is stopped. */
  get pids(): readonly number[] {
    const pid = this.#server?.pid;
    return pid === undefined ? [] : [pid, ...childrenOf(pid)];
  }

  url(database: string): string {
    return `postgres://${superuser}@127.0.0.1:${this.port}/${database}`;
  }

  async startAgain(): Promise<void> {
    // what a killed server's processes still hold: their shared memory, until they notice
    const endMs = performance.now() + startMsMax;
    while (!(await this.#tryStart())) {
      if (performance.now() > endMs) throw new Error(`Postgres does not start: ${this.#log.slice(-2_000)}`);
    }
  }

  /** fast: ends sessions and writes everything; immediate: as if it had crashed; kill: all its processes at once. */
  async stop(how: "fast" | "immediate" | "kill"): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const exited = once(server, "exit");
    server.ref();
    if (how === "kill") for (const pid of this.pids) kill(pid);
    else server.kill(how === "fast" ? "SIGINT" : "SIGQUIT");
    await exited;
  }

  /** Its processes keep their connections and answer nothing until `resume`. */
  pause(): void {
    this.#signal("SIGSTOP");
    // again: in some test runs a server answered while it was meant to be stopped; why is not known
    clearInterval(this.#stopping);
    this.#stopping = setInterval(() => this.#signal("SIGSTOP"), 100).unref();
  }

  resume(): void {
    clearInterval(this.#stopping);
    this.#signal("SIGCONT");
  }

  /** A standby becomes a primary; answers when it takes writes. */
  async promote(): Promise<void> {
    await runProgram("pg_ctl", ["promote", "-D", this.#dataFolder, "-w"]);
  }

  /** Kill, and remove everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("kill");
    process.off("exit", this.#onExit);
    removeFolder(this.folder);
  }

  #onExit = () => {
    for (const pid of this.pids) kill(pid);
    removeFolder(this.folder);
  };

  #signal(signal: "SIGSTOP" | "SIGCONT"): void {
    const pid = this.#server?.pid;
    if (pid === undefined) return;
    // first: while it stands still it makes no further children
    kill(pid, signal);
    for (const child of childrenOf(pid)) kill(child, signal);
  }

  #configure(settings: Readonly<Record<string, string | number>>): void {
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
    appendFileSync(join(this.#dataFolder, "postgresql.conf"), lines.join(""));
  }

  #allow(lines: readonly string[]): void {
    const file = join(this.#dataFolder, "pg_hba.conf");
    const before = readFileSync(file, "utf8");
    writeFileSync(file, `${lines.join("\n")}\n${before}`);
  }

  /** False: it ended at once. */
  async #tryStart(): Promise<boolean> {
    const command = asPostgres([join(programs, "postgres"), "-D", this.#dataFolder]);
    const server = spawn(command[0] as string, command.slice(1), { stdio: ["ignore", "ignore", "pipe"] });
    const answer = Promise.withResolvers<boolean>();
    const from = this.#log.length;
    server.stderr.on("data", (chunk: Buffer) => {
      this.#log += chunk.toString();
      if (/ready to accept (read-only )?connections/.test(this.#log.slice(from))) answer.resolve(true);
    });
    server.on("exit", () => {
      if (this.#server === server) this.#server = undefined;
      answer.resolve(false);
    });
    this.#server = server;
    const isReady = await answer.promise;
    // from now on it must not keep this process from ending
    server.unref();
    (server.stderr as unknown as { unref(): void }).unref();
    return isReady;
  }
}

/** The words that run a command as the user `postgres`, ended when this process ends. */
function asPostgres(command: readonly string[]): string[] {
  const user = isRoot ? ["--reuid=postgres", "--regid=postgres", "--init-groups"] : [];
  return ["setpriv", ...user, "--pdeathsig=QUIT", "--", ...command];
}

/** Resolves when it has ended well: meanwhile this process serves whom it serves. */
async function runProgram(name: string, args: readonly string[]): Promise<void> {
  const command = asPostgres([join(programs, name), ...args]);
  const program = spawn(command[0] as string, command.slice(1), { stdio: ["ignore", "ignore", "pipe"], cwd: "/" });
  let words = "";
  program.stderr.on("data", (chunk: Buffer) => {
    words += chunk.toString();
  });
  const [code] = (await once(program, "close")) as [number | null];
  if (code !== 0) throw new Error(`${name}: ${words}`);
}

/** The one that is asked for, or a free one. */
async function portOf({ port }: Readonly<Record<string, string | number>>): Promise<number> {
  return port === undefined ? await freePort() : Number(port);
}

function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
    .map(Number);
}

function parentOf(pid: string): number | undefined {
  try {
    // after the name in brackets: state, parent
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1]);
  } catch {
    return undefined; // ended meanwhile
  }
}

function kill(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}
