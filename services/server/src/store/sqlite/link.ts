/**
 * The main thread's side of the store: the writing and the reading thread as one, behind gates.
 *
 * Calls beyond a gate are refused at once with E021_OVERLOADED, calls after `close` with E020_STORE_UNAVAILABLE. When
 * one of the threads dies the other goes on; `probe` tells.
 */
import { QpqError } from "quicproquo-proto";
import { CallGates, type CallLimits } from "../call-gates.ts";
import type { Clock } from "../port.ts";
import type { LaneLimits } from "./lane.ts";
import { type CallName, type Calls, isRead } from "../packing/index.ts";
import type { StoreNotice } from "./protocol.ts";
import { StoreThread } from "./store-thread.ts";

export const linkDefaults = {
  /** 512 calls or 2 MiB a commit: about 10 ms, which is what the first call of a batch waits for the last. Two batches
   *  in flight, so that the thread does not wait for this one between commits: with 1,000 callers 47,000 appends/s
   *  instead of 42,000, with 256 the same. */
  write: { callsMax: 512, bytesMax: 2 * 1024 * 1024, batchesInFlightMax: 2 },
  /** 64 reads are one snapshot of a few ms; the WAL cannot begin anew while it stands. */
  read: { callsMax: 64, bytesMax: 2 * 1024 * 1024, batchesInFlightMax: 2 },
} as const satisfies Record<string, LaneLimits>;

export type LinkOptions = {
  readonly programs: { readonly write: URL; readonly read: URL };
  readonly settings: { readonly write: unknown; readonly read: unknown };
  readonly limits: CallLimits;
  readonly clock: Clock;
  readonly onLost: () => void;
  readonly onNotice?: ((notice: StoreNotice) => void) | undefined;
  /** The reading thread is told to look after so many bytes of calls that write. */
  readonly lookAfterBytes?: number;
};

export class StoreLink {
  readonly #writer: StoreThread;
  readonly #reader: StoreThread;
  readonly #gates: CallGates;
  readonly #lookAfterBytes: number | undefined;
  #bytesSinceLook = 0;
  #closing: Promise<void> | undefined;

  private constructor({ programs, settings, limits, clock, onLost, onNotice, lookAfterBytes }: LinkOptions) {
    this.#writer = new StoreThread({
      name: "qpq-store-write",
      program: programs.write,
      settings: settings.write,
      limits: linkDefaults.write,
      clock,
      onLost,
      onNotice,
    });
    this.#reader = new StoreThread({
      name: "qpq-store-read",
      program: programs.read,
      settings: settings.read,
      limits: linkDefaults.read,
      clock,
      onLost,
    });
    this.#gates = new CallGates(limits);
    this.#lookAfterBytes = lookAfterBytes;
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

  call<N extends CallName>(name: N, request: Calls[N]["request"]): Promise<Calls[N]["answer"]> {
    const thread = isRead(name) ? this.#reader : this.#writer;
    return this.#pass(name, request, (bytes) => {
      if (thread === this.#writer) this.#lookWhenDue(bytes);
      return thread.call(name, request, bytes);
    });
  }

  /** Rejects unless both threads answer, the writing one after a commit. */
  async probe(): Promise<void> {
    await this.#pass("probe", undefined, async (bytes) => {
      const threads = [this.#writer, this.#reader];
      await Promise.all(threads.map((thread) => thread.call("probe", undefined, bytes)));
      return undefined;
    });
  }

  /** Finishes what was accepted; the file is closed and unlocked when it resolves. */
  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  #lookWhenDue(bytes: number): void {
    if (this.#lookAfterBytes === undefined) return;
    this.#bytesSinceLook += bytes;
    if (this.#bytesSinceLook < this.#lookAfterBytes) return;
    this.#bytesSinceLook = 0;
    this.#reader.look();
  }

  async #finish(): Promise<void> {
    // The writer last: only the last connection copies the whole WAL into the file and removes it.
    await this.#reader.close();
    await this.#writer.close();
  }

  async #pass<N extends CallName>(
    name: N,
    request: Calls[N]["request"],
    carryOut: (bytes: number) => Promise<Calls[N]["answer"]>,
  ): Promise<Calls[N]["answer"]> {
    if (this.#closing !== undefined) throw new QpqError("E020_STORE_UNAVAILABLE", { text: "the store is closed" });
    return await this.#gates.pass({ name, request }, carryOut);
  }
}
