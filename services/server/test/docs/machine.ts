/** A machine as the pages of docs/operate/ have it: one unit qpq-server, its folders, and databases by their names. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { makeOwnedFolder, removeFolder } from "../../testing/owned-folder.ts";
import type { PostgresCluster } from "../../testing/postgres.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { Drill } from "./page-drill.ts";

export class Machine implements AsyncDisposable {
  readonly drill: Drill;
  readonly #folder: string;
  readonly #port: number;
  readonly #opsPort: number;
  #server: ServerProcess | undefined;

  /** `databases`: by the host's name on the pages. */
  private constructor(ports: readonly [number, number], databases: Readonly<Record<string, PostgresCluster>>) {
    this.#folder = makeOwnedFolder("qpq-pages-");
    [this.#port, this.#opsPort] = ports;
    mkdirSync(this.#path("backup"));
    const hosts = Object.entries(databases).map(([name, { port }]) => [name, `127.0.0.1:${port}`]);
    this.drill = new Drill({
      folder: this.#folder,
      places: {
        "127.0.0.1:9090": `127.0.0.1:${this.#opsPort}`,
        "/var/lib/qpq-server": this.#path("data"),
        "/etc/qpq-server": this.#path("etc"),
        "/srv/backup": this.#path("backup"),
        ...Object.fromEntries(hosts),
      },
      unit: { start: () => this.#start(), stop: () => this.#stop() },
    });
  }

  static async begin(databases: Readonly<Record<string, PostgresCluster>> = {}): Promise<Machine> {
    const machine = new Machine([await quietPort(), await quietPort()], databases);
    await machine.drill.listen();
    return machine;
  }

  /** That of the unit. */
  get server(): ServerProcess {
    if (this.#server === undefined) throw new Error("the unit has not been started");
    return this.#server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    await this.drill[Symbol.asyncDispose]();
    removeFolder(this.#folder);
  }

  async #start(): Promise<void> {
    this.#server = await startServerProcess({
      dataDir: this.#path("data"),
      port: this.#port,
      settings: { "ops-port": this.#opsPort, "queue-depth-max": 1_000_000, "log-level": "warn" },
      env: this.#environment(),
    });
  }

  async #stop(): Promise<void> {
    const code = await this.#server?.kill("SIGTERM");
    if (code !== 0) throw new Error(`the server ended with ${code}: ${this.#server?.log()}`);
  }

  /** As systemd's EnvironmentFile. */
  #environment(): Record<string, string> {
    const file = this.#path("etc/environment");
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

/**
 * A port that is free and stays it while the unit is stopped: below those that the kernel gives to whoever asks for any
 * (32,768 and above on Linux).
 */
async function quietPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const server = createServer();
    try {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    } finally {
      server.close();
    }
  }
}
