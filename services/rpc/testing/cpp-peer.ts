/** The C++ peer of interop/: a client that runs its scenarios against a server, and a server. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { buildCpp } from "./cpp-program.ts";

const sources = join(import.meta.dirname, "interop");

export class CppPeer {
  readonly #program: string;

  private constructor(program: string) {
    this.#program = program;
  }

  /** Takes about 5 s the first time. */
  static async build(): Promise<CppPeer> {
    const names = (await readdir(sources)).sort();
    return new CppPeer(await buildCpp({ name: "peer", files: names.map((name) => join(sources, name)) }));
  }

  /** Runs every scenario against a server; each one's result by its name, in the order of their connections. */
  async runClient(port: number): Promise<ReadonlyMap<string, string>> {
    const run = promisify(execFile);
    const { stdout } = await run(this.#program, ["client", String(port)], { timeout: 120_000 });
    const lines = stdout.trimEnd().split("\n");
    return new Map(lines.map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]));
  }

  async startServer(): Promise<CppServer> {
    const process = spawn(this.#program, ["server"], { stdio: ["pipe", "pipe", "inherit"] });
    for await (const line of createInterface(process.stdout)) return new CppServer(process, Number(line.split(" ")[1]));
    throw new Error("the C++ server did not start");
  }
}

export class CppServer implements AsyncDisposable {
  readonly port: number;
  readonly #process: ChildProcess;

  constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin?.end();
    if (this.#process.exitCode === null) await once(this.#process, "exit");
  }
}
