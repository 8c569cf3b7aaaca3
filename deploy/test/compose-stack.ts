/**
 * The services of the compose file as processes, each in its namespace of one network, started in the order and under the
 * conditions that the file says: ours by their commands in the image's files, the others by Debian's programs.
 */
import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ComposeModel, Service } from "./compose-file.ts";
import { Container, makeVolume } from "./container.ts";
import { debianCommand } from "./debian-services.ts";
import type { Image } from "./image.ts";
import { ServiceNetwork } from "./service-network.ts";

type Parts = { readonly model: ComposeModel; readonly image: Image; readonly folder: string };

export class ComposeStack implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #network: ServiceNetwork;
  readonly #ours = new Map<string, Container>();
  readonly #others = new Map<string, ChildProcess>();

  private constructor(parts: Parts, network: ServiceNetwork) {
    this.#parts = parts;
    this.#network = network;
  }

  /** `folder`: for the volumes; other users can look into it. */
  static async open(parts: Parts): Promise<ComposeStack> {
    return new ComposeStack(
      parts,
      await ServiceNetwork.open(join(parts.folder, "hosts"), Object.keys(parts.model.services)),
    );
  }

  /** With what it depends on before; resolves when those that depend on it may start. */
  async up(name: string): Promise<void> {
    if (this.#ours.has(name) || this.#others.has(name)) return;
    const service = this.#parts.model.services[name];
    if (service === undefined) throw new Error(`no service ${name}`);
    for (const other of Object.keys(service.depends_on ?? {})) await this.up(other);
    if (service.build === undefined) await this.#startOther(name, service);
    else await this.#startOurs(name, service);
  }

  container(name: string): Container {
    const found = this.#ours.get(name);
    if (found === undefined) throw new Error(`${name} is not up`);
    return found;
  }

  addressOf(name: string): string {
    return this.#network.of(name).address;
  }

  /** What a short program prints that runs in a service's network, beside its container; throws what it complains of. */
  run(name: string, argv: readonly string[], env: Readonly<Record<string, string>>): string {
    const [command = "", ...words] = [...this.#network.of(name).namespace.launcher, ...argv];
    const ran = spawnSync(command, words, {
      env: { PATH: process.env["PATH"], ...env },
      encoding: "utf8",
      timeout: 60_000,
    });
    if (ran.status !== 0) throw new Error(`${argv.join(" ")}: ${ran.error?.message ?? ran.stderr}`);
    return ran.stdout;
  }

  /** What a service's page answers to another service; the reason where it does not. */
  get(from: string, to: string, path: string): string {
    const url = `http://${this.addressOf(to)}:9090${path}`;
    const program = `fetch(${JSON.stringify(url)}).then((answer) => answer.text(), String).then(console.log)`;
    return this.#network.of(from).namespace.run([process.execPath, "-e", program]).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const container of this.#ours.values()) await container[Symbol.asyncDispose]();
    for (const child of this.#others.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "close");
      child.kill("SIGINT");
      await ended;
    }
    await this.#network[Symbol.asyncDispose]();
  }

  async #startOurs(name: string, service: Service): Promise<void> {
    const { root, user, workingDir, env, entrypoint, volume } = this.#parts.image;
    // the image's volume is a new one where the service names none
    const volumes = service.volumes ?? [{ source: `${name}-volume`, target: volume }];
    const container = new Container({
      network: this.#network.of(name).namespace,
      root,
      user,
      workingDir,
      env: { ...env, ...service.environment },
      mounts: [
        { source: this.#network.hostsFile, target: "/etc/hosts" },
        ...volumes.map(({ source, target }) => ({ source: this.#volumeOf(source, user), target })),
      ],
      tmpfs: service.tmpfs ?? [],
      command: [...(service.entrypoint ?? entrypoint), ...(service.command ?? [])],
    });
    this.#ours.set(name, container);
    const [, ...check] = service.healthcheck?.test ?? [];
    if (check.length > 0) {
      await until(
        () => container.exec(check).code === 0,
        () => container.hasEnded && `${name} ended: ${container.output}`,
      );
    } else if ((await container.ended) !== 0) throw new Error(`${name}: ${container.output}`);
  }

  async #startOther(name: string, service: Service): Promise<void> {
    const network = this.#network.of(name).namespace;
    const folder = makeVolume(this.#parts.folder, name);
    const argv = debianCommand(name, { service, folder, hostsFile: this.#network.hostsFile });
    const child = network.spawn(argv, { stdio: ["ignore", "ignore", "pipe"], cwd: "/" });
    let log = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      log += chunk.toString();
    });
    this.#others.set(name, child);
    const [, program = "true", ...args] = service.healthcheck?.test ?? [];
    const [command = "", ...words] = [...network.launcher, program, ...args];
    await until(
      () => spawnSync(command, words, { stdio: "ignore" }).status === 0,
      () => child.exitCode !== null && `${name} ended: ${log}`,
    );
  }

  /** A named volume has at first what the image has in its place: an empty folder of the user's. */
  #volumeOf(name: string, user: number): string {
    const path = makeVolume(this.#parts.folder, name);
    chownSync(path, user, user);
    return path;
  }
}

/** Rejects with what `failure` says. */
async function until(isSo: () => boolean, failure: () => string | false): Promise<void> {
  while (!isSo()) {
    const words = failure();
    if (words !== false) throw new Error(words);
    await pause(200);
  }
}
