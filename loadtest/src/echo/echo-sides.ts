/**
 * Echo servers and clients, in C++ and in ours, each a process of its own that lives as long as the measurement. C++:
 * cpp/echo.cpp on the reference implementation, compiled with -O2.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { LoopResult } from "../closed-loop.ts";
import { nodeOf } from "../drivers/driver.ts";
import { type Cores, onCore } from "../pinned.ts";

export type Language = "cpp" | "ours";
type Command = readonly [string, ...string[]];

export type EchoLoop = {
  readonly callers: number;
  readonly payloadBytes: number;
  readonly warmUpMs: number;
  readonly windowMs: number;
};

/** Nothing comes through a short window when other programs have a core all the time: it is measured again. */
const attemptsMax = 10;

export class EchoSides implements AsyncDisposable {
  readonly #ports: Readonly<Record<Language, number>>;
  readonly #clients: Readonly<Record<Language, LineProcess>>;
  readonly #owned: AsyncDisposable;

  private constructor(
    ports: Readonly<Record<Language, number>>,
    clients: Readonly<Record<Language, LineProcess>>,
    owned: AsyncDisposable,
  ) {
    this.#ports = ports;
    this.#clients = clients;
    this.#owned = owned;
  }

  static async start(cppProgram: string, cores: Cores | undefined): Promise<EchoSides> {
    await using started = new AsyncDisposableStack();
    const start = (command: Command, core?: number) => started.use(new LineProcess(onCore(core, command)));
    const servers = {
      cpp: start([cppProgram, "server"], cores?.server),
      ours: start(nodeOf("echo-server"), cores?.server),
    };
    const clients = {
      cpp: start([cppProgram, "client"], cores?.client),
      ours: start(nodeOf("echo-client"), cores?.client),
    };
    const ports = { cpp: portIn(await servers.cpp.nextLine()), ours: portIn(await servers.ours.nextLine()) };
    return new EchoSides(ports, clients, started.move());
  }

  /** One at a time, so that a client never shares its core with the other one. */
  async measure(client: Language, server: Language, loop: EchoLoop): Promise<LoopResult> {
    const { callers, payloadBytes, warmUpMs, windowMs } = loop;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      this.#clients[client].write([this.#ports[server], callers, payloadBytes, warmUpMs, windowMs].join(" "));
      const result = JSON.parse(await this.#clients[client].nextLine()) as LoopResult;
      if (result.requests > 0) return result;
    }
    throw new Error(`no call in ${attemptsMax} windows of ${windowMs} ms`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }
}

function portIn(line: string): number {
  return Number(line.split(" ")[1]);
}

/** A program spoken to line by line, which ends when its input does. */
class LineProcess implements AsyncDisposable {
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(command: Command) {
    const [program, ...args] = command;
    this.#name = command.join(" ");
    this.#process = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface(this.#process.stdout as Readable)[Symbol.asyncIterator]();
  }

  write(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  async nextLine(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`${this.#name} ended`);
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin?.end();
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, "exit");
  }
}
