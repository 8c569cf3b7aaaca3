/**
 * The main thread's end of the store's worker thread: starts it, passes calls through gates and lanes, ends it.
 *
 * Every call is settled exactly once: by an answer, by the failure of its batch, or, when the thread dies, with
 * E020_STORE_UNAVAILABLE. A dead thread is not started again here: who opened the store decides.
 */
import { Worker } from "node:worker_threads";
import { QpqError } from "quicproquo-proto";
import { Gate } from "../gate.ts";
import type { Clock } from "../port.ts";
import { Lane, type LaneLimits } from "./lane.ts";
import {
  type Batch,
  type CallName,
  type Calls,
  codecs,
  type Failure,
  type FromWorker,
  type ToWorker,
  type WorkerSettings,
} from "./protocol.ts";

export const linkDefaults = {
  /** 512 calls or 2 MiB a commit: about 10 ms, which is what the first call of a batch waits for the last. */
  write: { callsMax: 512, bytesMax: 2 * 1024 * 1024, batchesInFlightMax: 2 },
  /** Reads run between two commits: 64 of them delay the appends by about 3 ms. */
  read: { callsMax: 64, bytesMax: 2 * 1024 * 1024, batchesInFlightMax: 1 },
} as const satisfies Record<string, LaneLimits>;

export type LinkLimits = {
  readonly appendsInFlightMax: number;
  readonly appendBytesInFlightMax: number;
  readonly callsInFlightMax: number;
};

export type LinkOptions = { readonly settings: WorkerSettings; readonly limits: LinkLimits; readonly clock: Clock };

/** Calls that are answered after the commit of their batch. */
type WriteName = Exclude<CallName, ReadName | "append">;
type ReadName = "read" | "getHybridKeys" | "health";

export class StoreLink {
  readonly #worker: Worker;
  readonly #lanes: { readonly write: Lane; readonly read: Lane };
  readonly #gates: { readonly append: Gate; readonly write: Gate; readonly read: Gate };
  readonly #opened = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  #closing: Promise<void> | undefined;
  #isDead = false;

  private constructor({ settings, limits, clock }: LinkOptions) {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      name: "qpq-store",
      workerData: settings,
      // The process's own flags (`-e`, `--input-type`) are not for this file and can keep it from starting.
      execArgv: [],
    });
    const send = (batch: Batch) => worker.postMessage(batch satisfies ToWorker, [batch.buffer]);
    this.#worker = worker;
    this.#lanes = {
      write: new Lane({ name: "write", limits: linkDefaults.write, clock, send }),
      read: new Lane({ name: "read", limits: linkDefaults.read, clock, send }),
    };
    const { appendsInFlightMax, appendBytesInFlightMax: bytesMax, callsInFlightMax: rowsMax } = limits;
    // Three gates, so that a flood of appends does not refuse the acks that make room, nor one of reads the appends.
    this.#gates = {
      append: new Gate({ name: "appendsInFlightMax", rowsMax: appendsInFlightMax, bytesMax }),
      write: new Gate({ name: "callsInFlightMax", rowsMax, bytesMax }),
      read: new Gate({ name: "callsInFlightMax", rowsMax, bytesMax }),
    };
    worker.on("message", (message: FromWorker) => this.#receive(message));
    worker.on("error", (error) => this.#die(error));
    worker.on("exit", () => {
      this.#die(undefined);
      this.#exited.resolve();
    });
  }

  /** Resolves when the file is open and this process its owner. */
  static async open(options: LinkOptions): Promise<StoreLink> {
    const link = new StoreLink(options);
    try {
      await link.#opened.promise;
    } catch (error) {
      await link.#exited.promise;
      throw error;
    }
    return link;
  }

  append(request: Calls["append"]["request"]): Promise<Calls["append"]["answer"]> {
    return this.#call("append", request, { lane: this.#lanes.write, gate: this.#gates.append, rows: request.length });
  }

  write<N extends WriteName>(name: N, request: Calls[N]["request"]): Promise<Calls[N]["answer"]> {
    return this.#call(name, request, { lane: this.#lanes.write, gate: this.#gates.write, rows: 1 });
  }

  read<N extends ReadName>(name: N, request: Calls[N]["request"]): Promise<Calls[N]["answer"]> {
    return this.#call(name, request, { lane: this.#lanes.read, gate: this.#gates.read, rows: 1 });
  }

  /** Finishes what was accepted; the file is closed and unlocked when it resolves. */
  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #call<N extends CallName>(
    name: N,
    request: Calls[N]["request"],
    { lane, gate, rows }: { lane: Lane; gate: Gate; rows: number },
  ): Promise<Calls[N]["answer"]> {
    if (this.#closing !== undefined) throw new QpqError("E020_STORE_UNAVAILABLE", { text: "the store is closed" });
    if (this.#isDead) throw new QpqError("E020_STORE_UNAVAILABLE", { text: "the store's thread has ended" });
    const bytes = codecs[name].bytesOf(request);
    gate.enter(rows, bytes);
    try {
      return await lane.call(name, request, bytes);
    } finally {
      gate.leave(rows, bytes);
    }
  }

  async #finish(): Promise<void> {
    await Promise.all([this.#lanes.write.idle(), this.#lanes.read.idle()]);
    this.#worker.postMessage({ kind: "close" } satisfies ToWorker);
    await this.#exited.promise;
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case "opened":
        return this.#opened.resolve();
      case "refused":
        return this.#opened.reject(errorOf(message.failure));
      case "answers":
        return this.#lanes[message.lane].settle(message.calls, message.buffer);
      case "failed":
        return this.#lanes[message.lane].fail(errorOf(message.failure));
    }
  }

  #die(cause: unknown): void {
    this.#isDead = true;
    const error = new QpqError("E020_STORE_UNAVAILABLE", { text: "the store's thread has ended", cause });
    this.#opened.reject(error);
    this.#lanes.write.failAll(error);
    this.#lanes.read.failAll(error);
  }
}

/** The detail (SQLite's words) is the cause, for the log; callers get the table's text. */
function errorOf({ code, detail }: Failure): QpqError {
  return new QpqError(code, { cause: new Error(detail) });
}
