/**
 * Group commit, the main thread's half: gathers calls, sends them to a worker thread in bounded batches, settles them.
 *
 * Calls are sent and answered in the order they came. While `batchesInFlightMax` batches are with the worker further
 * calls gather, so the busier the store, the larger the batches and the fewer the fsyncs a message. It bounds batches;
 * how many calls may wait is bounded before it (gate.ts).
 */
import assert from "node:assert";
import type { QpqError } from "quicproquo-proto";
import type { Clock } from "../port.ts";
import { ByteReader, ByteWriter } from "../../ipc/bytes.ts";
import { wholeMs } from "../packing/codec.ts";
import { type CallName, type Calls, callNames, codecs } from "../packing/index.ts";
import type { Batch } from "./protocol.ts";

export type LaneLimits = {
  /** A batch is closed when it holds this many calls ... */
  readonly callsMax: number;
  /** ... or this many bytes; one call always fits. */
  readonly bytesMax: number;
  readonly batchesInFlightMax: number;
};

export type LaneParts = {
  readonly limits: LaneLimits;
  readonly clock: Clock;
  readonly send: (batch: Batch) => void;
};

type Pending<N extends CallName = CallName> = {
  readonly name: N;
  readonly request: Calls[N]["request"];
  readonly bytes: number;
  readonly resolve: (answer: Calls[N]["answer"]) => void;
  readonly reject: (error: QpqError) => void;
};

export class Lane {
  readonly #parts: LaneParts;
  #pending: Pending[] = [];
  /** The oldest first; a batch shrinks while its answers arrive. */
  readonly #inFlight: Pending[][] = [];
  #flushIsDue = false;
  #onIdle: (() => void) | undefined;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** `bytes`: about what the request takes in a batch. */
  call<N extends CallName>(name: N, request: Calls[N]["request"], bytes: number): Promise<Calls[N]["answer"]> {
    return new Promise<Calls[N]["answer"]>((resolve, reject) => {
      const pending: Pending<N> = { name, request, bytes, resolve, reject };
      this.#pending.push(pending as unknown as Pending);
      this.#scheduleFlush();
    });
  }

  /** The worker answered the next `calls` calls of the oldest batch. */
  settle(calls: number, buffer: ArrayBuffer): void {
    const batch = this.#inFlight[0];
    assert(batch !== undefined && calls <= batch.length);
    const reader = new ByteReader(buffer);
    for (const pending of batch.splice(0, calls)) pending.resolve(codecs[pending.name].readAnswer(reader));
    if (batch.length === 0) this.#batchEnded();
  }

  /** What is left of the oldest batch failed. */
  fail(error: QpqError): void {
    const batch = this.#inFlight[0];
    assert(batch !== undefined);
    for (const pending of batch) pending.reject(error);
    this.#batchEnded();
  }

  /** Nothing will be answered any more. */
  failAll(error: QpqError): void {
    for (const pending of [...this.#inFlight.flat(), ...this.#pending]) pending.reject(error);
    this.#inFlight.length = 0;
    this.#pending = [];
    this.#onIdle?.();
  }

  /** Resolves when every call accepted so far is settled. Once. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      if (this.#isIdle) resolve();
    });
  }

  get #isIdle(): boolean {
    return this.#pending.length === 0 && this.#inFlight.length === 0;
  }

  #batchEnded(): void {
    this.#inFlight.shift();
    this.#scheduleFlush();
    if (this.#isIdle) this.#onIdle?.();
  }

  /** At the end of the turn, so that calls made in one turn of the event loop travel together. */
  #scheduleFlush(): void {
    if (this.#flushIsDue || this.#pending.length === 0) return;
    if (this.#inFlight.length >= this.#parts.limits.batchesInFlightMax) return;
    this.#flushIsDue = true;
    setImmediate(() => {
      this.#flushIsDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#pending.length > 0 && this.#inFlight.length < this.#parts.limits.batchesInFlightMax) {
      const { calls, bytes } = this.#nextBatch();
      const batch = this.#pending.splice(0, calls);
      const writer = new ByteWriter(bytes);
      let grows = false;
      for (const pending of batch) {
        grows ||= pending.name === "append" || pending.name === "commitGroup";
        writer.u8(callNames.indexOf(pending.name));
        codecs[pending.name].writeRequest(writer, pending.request as never);
      }
      this.#inFlight.push(batch);
      const { clock, send } = this.#parts;
      send({ kind: "batch", nowMs: wholeMs(clock()), calls, grows, buffer: writer.finish() });
    }
  }

  #nextBatch(): { calls: number; bytes: number } {
    const { callsMax, bytesMax } = this.#parts.limits;
    let calls = 0;
    let bytes = 0;
    for (const pending of this.#pending) {
      if (calls > 0 && (calls >= callsMax || bytes + pending.bytes > bytesMax)) break;
      calls++;
      bytes += pending.bytes;
    }
    return { calls, bytes };
  }
}
