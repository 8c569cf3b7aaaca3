/**
 * The main thread's side of the store: the writing and the reading thread as one, behind gates.
 *
 * Calls beyond a gate are refused at once with E021_OVERLOADED, calls after `close` with E020_STORE_UNAVAILABLE. When
 * one of the threads dies the other goes on; `probe` tells.
 */
import { QpqError } from "quicproquo-proto";
import { Gate } from "../gate.ts";
import type { Clock } from "../port.ts";
import type { LaneLimits } from "./lane.ts";
import { type CallName, type Calls, codecs } from "../packing/index.ts";
import type { ReadName, WriteName, WriteSettings } from "./protocol.ts";
import { StoreThread } from "./store-thread.ts";

export const linkDefaults = {
  /** 512 calls or 2 MiB a commit: about 10 ms, which is what the first call of a batch waits for the last. Two batches
   *  in flight, so that the thread does not wait for this one between commits: with 1,000 callers 47,000 appends/s
   *  instead of 42,000, with 256 the same. */
  write: { callsMax: 512, bytesMax: 2 * 1024 * 1024, batchesInFlightMax: 2 },
  /** 64 reads are one snapshot of a few ms; the WAL cannot begin anew while it stands. */
  read: { callsMax: 64, bytesMax: 2 * 1024 * 1024, batchesInFlightMax: 2 },
} as const satisfies Record<string, LaneLimits>;

type LinkLimits = {
  readonly appendsInFlightMax: number;
  readonly appendBytesInFlightMax: number;
  readonly callsInFlightMax: number;
};

export type LinkOptions = { readonly settings: WriteSettings; readonly limits: LinkLimits; readonly clock: Clock };

export class StoreLink {
  readonly #writer: StoreThread;
  readonly #reader: StoreThread;
  readonly #gates: { readonly append: Gate; readonly write: Gate; readonly read: Gate };
  #closing: Promise<void> | undefined;

  private constructor({ settings, limits, clock }: LinkOptions) {
    this.#writer = new StoreThread({
      name: "qpq-store-write",
      program: "./write-worker.ts",
      settings,
      limits: linkDefaults.write,
      clock,
    });
    this.#reader = new StoreThread({
      name: "qpq-store-read",
      program: "./read-worker.ts",
      settings: { file: settings.file },
      limits: linkDefaults.read,
      clock,
    });
    const { appendsInFlightMax, appendBytesInFlightMax: bytesMax, callsInFlightMax: rowsMax } = limits;
    // Three gates, so that a flood of appends does not refuse the acks that make room, nor one of reads the appends.
    this.#gates = {
      append: new Gate({ name: "appendsInFlightMax", rowsMax: appendsInFlightMax, bytesMax }),
      write: new Gate({ name: "callsInFlightMax", rowsMax, bytesMax }),
      read: new Gate({ name: "callsInFlightMax", rowsMax, bytesMax }),
    };
  }

  /** Resolves when the file is open and this process its owner; nothing is left open when it rejects. */
  static async open(options: LinkOptions): Promise<StoreLink> {
    const link = new StoreLink(options);
    try {
      await link.#writer.open();
      await link.#reader.open();
    } catch (error) {
      await link.close();
      throw error;
    }
    return link;
  }

  append(request: Calls["append"]["request"]): Promise<Calls["append"]["answer"]> {
    return this.#call("append", request, { thread: this.#writer, gate: this.#gates.append, rows: request.length });
  }

  commitGroup(request: Calls["commitGroup"]["request"]): Promise<Calls["commitGroup"]["answer"]> {
    const rows = 1 + request.entries.length; // the group's own: a commit without entries is work too
    return this.#call("commitGroup", request, { thread: this.#writer, gate: this.#gates.append, rows });
  }

  write<N extends Exclude<WriteName, "append" | "commitGroup">>(
    name: N,
    request: Calls[N]["request"],
  ): Promise<Calls[N]["answer"]> {
    return this.#call(name, request, { thread: this.#writer, gate: this.#gates.write, rows: 1 });
  }

  read<N extends ReadName>(name: N, request: Calls[N]["request"]): Promise<Calls[N]["answer"]> {
    return this.#call(name, request, { thread: this.#reader, gate: this.#gates.read, rows: 1 });
  }

  /** Rejects unless both threads answer, the writing one after a commit. */
  async probe(): Promise<void> {
    await Promise.all([this.write("probe", undefined), this.read("probe", undefined)]);
  }

  /** Finishes what was accepted; the file is closed and unlocked when it resolves. */
  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    // The writer last: only the last connection copies the whole WAL into the file and removes it.
    await this.#reader.close();
    await this.#writer.close();
  }

  async #call<N extends CallName>(
    name: N,
    request: Calls[N]["request"],
    { thread, gate, rows }: { thread: StoreThread; gate: Gate; rows: number },
  ): Promise<Calls[N]["answer"]> {
    if (this.#closing !== undefined) throw new QpqError("E020_STORE_UNAVAILABLE", { text: "the store is closed" });
    const bytes = codecs[name].bytesOf(request);
    gate.enter(rows, bytes);
    try {
      return await thread.call(name, request, bytes);
    } finally {
      gate.leave(rows, bytes);
    }
  }
}
