/** A machine as the pages of docs/operate/ have it: one unit qpq-server, its folders, and databases by their names. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../testing/free-port.ts";
import { makeOwnedFolder, removeFolder } from "../../testing/owned-folder.ts";
import type { PostgresCluster } from "../../testing/postgres.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { Drill } from "./page-drill.ts";

export class Machine implements AsyncDisposable {
  readonly drill: Drill;
  readonly #folder: string;
  readonly #opsPort: number;
  #server: ServerProcess | undefined;

  /** `databases`: by the host's name on the pages. */
  private constructor(opsPort: number, databases: Readonly<Record<string, PostgresCluster>>) {
    this.#folder = makeOwnedFolder("qpq-pages-");
    this.#opsPort = opsPort;
    mkdirSync(this.#path("backup"));
    const hosts = Object.entries(databases).map(([name, { port }]) => [name, `127.0.0.1:${port}`]);
    this.drill = new Drill({
      folder: this.#folder,
      places: {
        "127.0.0.1:9090": `127.0.0.1:${opsPort}`,
        "/var/lib/qpq-server": this.#path("data"),
        "/etc/qpq-server": this.#path("etc"),
        "/srv/backup": this.#path("backup"),
        ...Object.fromEntries(hosts),
      },
      unit: { start: () => this.#start(), stop: () => this.#stop() },
    });
  }

  static async begin(databases: Readonly<Record<string, PostgresCluster>> = {}): Promise<Machine> {
    const machine = new Machine(await freePort(), databases);
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
      // clients come back to where it was
      port: this.#server?.port ?? 0,
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
