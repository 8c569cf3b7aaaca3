/**
 * Echo servers and clients, in C++ and in ours, each a process of its own: servers live as long as the measurement,
 * clients connect anew for each window. C++: cpp/echo.cpp on the reference implementation, compiled with -O2.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { LoopResult } from "../closed-loop.ts";
import { nodeOf, outputOf, runDriver, spawnProgram } from "../drivers/driver.ts";
import type { EchoTask } from "../drivers/echo-client.ts";
import type { Cores } from "../pinned.ts";

export type Language = "cpp" | "ours";

export class EchoSides implements AsyncDisposable {
  readonly #cppProgram: string;
  readonly #cores: Cores | undefined;
  readonly #servers: Readonly<Record<Language, EchoServer>>;

  private constructor(cppProgram: string, cores: Cores | undefined, servers: Readonly<Record<Language, EchoServer>>) {
    this.#cppProgram = cppProgram;
    this.#cores = cores;
    this.#servers = servers;
  }

  static async start(cppProgram: string, cores: Cores | undefined): Promise<EchoSides> {
    const cpp = await EchoServer.start([cppProgram, "server"], cores?.server);
    const ours = await EchoServer.start(nodeOf("echo-server"), cores?.server);
    return new EchoSides(cppProgram, cores, { cpp, ours });
  }

  measure(client: Language, server: Language, loop: Omit<EchoTask, "port">): Promise<LoopResult> {
    const { port } = this.#servers[server];
    if (client === "ours") return runDriver("echo-client", { ...loop, port }, this.#cores?.client);
    return this.#runCppClient({ ...loop, port });
  }

  async #runCppClient({ port, callers, payloadBytes, warmUpMs, windowMs }: EchoTask): Promise<LoopResult> {
    const numbers = [port, callers, payloadBytes, warmUpMs, windowMs].map(String);
    const child = spawnProgram([this.#cppProgram, "client", ...numbers], this.#cores?.client);
    return JSON.parse(await outputOf(child, "the C++ echo client")) as LoopResult;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#servers.cpp.stop(), this.#servers.ours.stop()]);
  }
}

class EchoServer {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static async start(command: readonly [string, ...string[]], core: number | undefined): Promise<EchoServer> {
    const process = spawnProgram(command, core);
    for await (const line of createInterface(process.stdout as Readable)) {
      return new EchoServer(process, Number(line.split(" ")[1]));
    }
    throw new Error(`${command[0]} did not start`);
  }

  /** Both programs end when their input does. */
  async stop(): Promise<void> {
    this.#process.stdin?.end();
    if (this.#process.exitCode === null) await once(this.#process, "exit");
  }
}
