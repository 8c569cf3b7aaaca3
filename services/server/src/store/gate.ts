/**
 * A bound on work that was accepted and is not finished yet. Beyond it the caller is refused at once, so that a store
 * slower than its callers makes them wait instead of filling the memory. It queues nothing itself.
 */
import { QpqError } from "quicproquo-proto";

/** A suggestion for the sender: some commits of a busy store (one is 3-10 ms), so that the queue has moved. */
const retryAfterMs = 50;

export type GateLimits = { readonly name: string; readonly rowsMax: number; readonly bytesMax: number };

export class Gate {
  readonly #limits: GateLimits;
  #rows = 0;
  #bytes = 0;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Throws E021_OVERLOADED and counts nothing when it would go over a limit; else `leave` must follow once. */
  enter(rows: number, bytes: number): void {
    const { name, rowsMax, bytesMax } = this.#limits;
    const tooMany = this.#rows + rows > rowsMax;
    // One call is always let into an empty gate by its bytes: how large a call may be is decided above the store.
    const tooLarge = this.#rows > 0 && this.#bytes + bytes > bytesMax;
    if (tooMany || tooLarge) throw new QpqError("E021_OVERLOADED", { retryAfterMs, fields: { limit: name } });
    this.#rows += rows;
    this.#bytes += bytes;
  }

  leave(rows: number, bytes: number): void {
    this.#rows -= rows;
    this.#bytes -= bytes;
  }
}
