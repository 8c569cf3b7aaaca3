/**
 * The main thread's end of one worker thread of the store: starts it, sends it batches through a lane, ends it.
 *
 * Every call is settled exactly once: by an answer, by the failure of its batch, or, when the thread dies, with
 * E020_STORE_UNAVAILABLE. A dead thread is not started again here: who opened the store decides.
 */
import { Worker } from "node:worker_threads";
import { QpqError } from "quicproquo-proto";
import type { Clock } from "../port.ts";
import { Lane, type LaneLimits } from "./lane.ts";
import type { CallName, Calls } from "../packing/index.ts";
import type { Failure, FromWorker, StoreNotice, ToWorker } from "./protocol.ts";

export type ThreadOptions = {
  readonly name: string;
  readonly program: URL;
  /** Cloned. */
  readonly settings: unknown;
  readonly limits: LaneLimits;
  readonly clock: Clock;
  /** It has ended by itself. */
  readonly onLost: () => void;
  readonly onNotice?: ((notice: StoreNotice) => void) | undefined;
};

export class StoreThread {
  readonly #worker: Worker;
  readonly #lane: Lane;
  readonly #onNotice: ((notice: StoreNotice) => void) | undefined;
  readonly #opened = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  #isDead = false;
  #isClosing = false;

  constructor({ name, program, settings, limits, clock, onLost, onNotice }: ThreadOptions) {
    this.#onNotice = onNotice;
    this.#worker = new Worker(program, {
      name,
      workerData: settings,
      // The process's own flags (`-e`, `--input-type`) are not for this file and can keep it from starting.
      execArgv: [],
    });
    // A thread may end without ever being told to open (the other one was refused): that rejection has no reader then.
    this.#opened.promise.catch(() => undefined);
    this.#lane = new Lane({ limits, clock, send: (batch) => this.#post(batch, batch.buffer) });
    this.#worker.on("message", (message: FromWorker) => this.#receive(message));
    this.#worker.on("error", (error) => this.#die(error));
    this.#worker.on("exit", () => {
      this.#die(undefined);
      this.#exited.resolve();
      if (!this.#isClosing) onLost();
    });
  }

  /** Resolves when the thread has opened the file. It must be closed also when this rejects. */
  open(): Promise<void> {
    this.#post({ kind: "open" });
    return this.#opened.promise;
  }

  call<N extends CallName>(name: N, request: Calls[N]["request"], bytes: number): Promise<Calls[N]["answer"]> {
    if (this.#isDead) return Promise.reject(threadEnded(undefined));
    return this.#lane.call(name, request, bytes);
  }

  /** Not answered. */
  look(): void {
    this.#post({ kind: "look" });
  }

  /** Finishes what was accepted; the thread has ended and its file is closed when it resolves. */
  async close(): Promise<void> {
    await this.#lane.idle();
    this.#isClosing = true;
    this.#post({ kind: "close" });
    await this.#exited.promise;
  }

  #post(message: ToWorker, ...transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case "told":
        return this.#onNotice?.(message.notice);
      case "opened":
        return this.#opened.resolve();
      case "refused":
        return this.#opened.reject(errorOf(message.failure));
      case "answers":
        return this.#lane.settle(message.calls, message.buffer);
      case "failed":
        return this.#lane.fail(errorOf(message.failure));
    }
  }

  #die(cause: unknown): void {
    this.#isDead = true;
    const error = threadEnded(cause);
    this.#opened.reject(error);
    this.#lane.failAll(error);
  }
}

function threadEnded(cause: unknown): QpqError {
  return new QpqError("E020_STORE_UNAVAILABLE", { text: "the store's thread has ended", cause });
}

/** The detail (SQLite's words) is the cause, for the log; callers get the table's text. */
function errorOf({ code, detail }: Failure): QpqError {
  return new QpqError(code, { cause: new Error(detail) });
}
