/**
 * One child process, from its start to its end: the supervisor's side. It is asked and told over its channel, and it
 * ends when it is told to, or is killed. It is not started again here: keeper.ts decides.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { QpqError } from "quicproquo-proto";
import type { MetricsSnapshot } from "../observe/prometheus.ts";
import type { Answers, Change, FromChild, Question, Task, ToChild } from "./messages.ts";

export type ChildOptions = {
  readonly program: URL;
  /** "store", or the worker's number. */
  readonly name: string;
  readonly task: Task;
  /** Working folder: that of the sockets. */
  readonly folder: string;
  /** Counted before it left by itself. */
  readonly onMetrics: (metrics: MetricsSnapshot) => void;
  /** Once, last. A signal, or the exit code. */
  readonly onExit: (how: NodeJS.Signals | number) => void;
};

type Asked = { readonly resolve: (answer: unknown) => void; readonly reject: (error: QpqError) => void };

export class Child {
  readonly #process: ChildProcess;
  readonly #started = Promise.withResolvers<void>();
  readonly #asked = new Map<number, Asked>();
  #nextId = 0;

  constructor({ program, name, task, folder, onMetrics, onExit }: ChildOptions) {
    this.#process = fork(fileURLToPath(program), [], {
      cwd: folder,
      serialization: "advanced",
      // words are the supervisor's; log lines go where its own go
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#started.promise.catch(() => undefined);
    this.#process.on("message", (message: FromChild) => {
      if (message.kind === "left") onMetrics(message.metrics);
      else this.#receive(message);
    });
    const exit = (how: NodeJS.Signals | number): void => {
      this.#fail();
      onExit(how);
    };
    this.#process.on("error", () => {
      // of one that runs: a send while it is ending, of which "exit" says all there is to say
      if (this.#process.pid === undefined) exit(1);
    });
    this.#process.on("exit", (code, signal) => exit(signal ?? code ?? 1));
    this.#send({ kind: "start", name, task });
  }

  /** undefined when it could not be made: then it exits at once. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Resolves when it serves; rejects with what it refused for, or E020_STORE_UNAVAILABLE when it ended before. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** Its refusal, or E028_DEADLINE after msMax: it may be stuck. */
  async ask<Q extends Question>(question: Q, msMax: number): Promise<Answers[Q]> {
    return (await this.#expect(msMax, (id) => ({ kind: "ask", id, question }))) as Answers[Q];
  }

  /** Its refusal, or E028_DEADLINE after msMax. */
  async change(change: Change, msMax: number): Promise<void> {
    await this.#expect(msMax, (id) => ({ kind: "change", id, change }));
  }

  async #expect(msMax: number, messageOf: (id: number) => ToChild): Promise<unknown> {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#asked.set(id, { resolve, reject });
    const timer = setTimeout(() => reject(new QpqError("E028_DEADLINE", { fields: { msMax } })), msMax);
    this.#send(messageOf(id));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#asked.delete(id);
    }
  }

  /** Tells it to drain and exit. */
  stop(): void {
    this.#send({ kind: "stop" });
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  #send(message: ToChild): void {
    // the callback takes the error of a channel that is closed
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  #receive(message: Exclude<FromChild, { kind: "left" }>): void {
    switch (message.kind) {
      case "started":
        return this.#started.resolve();
      case "failed":
        return this.#started.reject(errorOf(message.reason));
      case "answer":
        return this.#asked.get(message.id)?.resolve(message.answer);
      case "refusal":
        return this.#asked.get(message.id)?.reject(errorOf(message.reason));
    }
  }

  #fail(): void {
    const error = new QpqError("E020_STORE_UNAVAILABLE", { text: "a process of the server has ended" });
    this.#started.reject(error);
    for (const { reject } of this.#asked.values()) reject(error);
  }
}

function errorOf(reason: string): QpqError {
  return QpqError.fromReason(reason) ?? new QpqError("E034_INTERNAL");
}
