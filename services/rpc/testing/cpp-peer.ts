/** Builds the C++ peer into a temporary folder and runs it. Needs capnp, libcapnp-dev and g++; without them it throws. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);

export class CppPeer {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes about 5 s: unoptimized, both files side by side. */
  static async build(): Promise<CppPeer> {
    const folder = await mkdtemp(join(tmpdir(), "rpc-interop-"));
    for (const name of ["peer.capnp", "peer.cpp"])
      await cp(join(import.meta.dirname, "interop", name), join(folder, name));
    const options = { cwd: folder };
    try {
      await run("capnp", ["compile", "-oc++", "peer.capnp"], options);
      const compile = (source: string) => run("g++", ["-std=c++17", "-O0", "-c", source, "-o", `${source}.o`], options);
      await Promise.all([compile("peer.cpp"), compile("peer.capnp.c++")]);
      const libraries = ["-lcapnp-rpc", "-lcapnp", "-lkj-async", "-lkj"];
      await run("g++", ["peer.cpp.o", "peer.capnp.c++.o", "-o", "peer", ...libraries], options);
    } catch (error) {
      await rm(folder, { recursive: true });
      throw error;
    }
    return new CppPeer(folder);
  }

  /** Runs every scenario against a server; answers each one's result by its name. */
  async runClient(port: number): Promise<ReadonlyMap<string, string>> {
    const { stdout } = await run(this.#program, ["client", String(port)], { timeout: 60_000 });
    const lines = stdout.trimEnd().split("\n");
    return new Map(lines.map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]));
  }

  async startServer(): Promise<CppServer> {
    const process = spawn(this.#program, ["server"], { stdio: ["pipe", "pipe", "inherit"] });
    for await (const line of createInterface(process.stdout)) return new CppServer(process, Number(line.split(" ")[1]));
    throw new Error("the C++ server did not start");
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }

  get #program(): string {
    return join(this.#folder, "peer");
  }
}

export class CppServer {
  readonly port: number;
  readonly #process: ChildProcess;

  constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  async stop(): Promise<void> {
    this.#process.stdin?.end();
    if (this.#process.exitCode === null) await once(this.#process, "exit");
  }
}
