/**
 * The connection ids that a server has given its client: one is in use, and is given back for another when the client comes
 * to another address, so that nobody who sees both paths can tell that they are one connection (RFC 9000 section 9.5). What
 * a client gives its server: path-ids.ts, which also says what harm an id can do that comes again after it was given back
 * (CVE-2025-7054; seen in a client of 10,000 that came back at once). To the library a client is always on one path, whose
 * number can be asked for: a larger one than all that were given back is sound. With a smaller one the connection is over.
 */
import type { HostPort, NativeConnection } from "./native.ts";

/** Ids that were given back and came again, together. */
const stepsMax = 64;

export type PeerIdsOptions = {
  readonly native: NativeConnection;
  /** The addresses of the path, as the library knows it. */
  readonly local: HostPort;
  readonly peer: HostPort;
  /** The library must not be asked for a packet any more. */
  readonly onSpent: () => void;
};

export class PeerIds {
  readonly #options: PeerIdsOptions;
  /** The largest number that was given back. */
  #floor = -1;

  constructor(options: PeerIdsOptions) {
    this.#options = options;
  }

  get hasSpare(): boolean {
    return this.#options.native.availableDcids() > 0;
  }

  /** Uses another one, if there is one to spare. */
  rotate(): void {
    const { native, onSpent } = this.#options;
    for (let steps = 0; steps < stepsMax && this.hasSpare; steps++) {
      const number = this.#inUse;
      native.retireDestinationCid(number);
      this.#floor = Math.max(this.#floor, number);
      if (this.#inUse > this.#floor) return;
    }
    if (this.#inUse <= this.#floor) onSpent();
  }

  /** Its number: a move to where it is already answers that, and does nothing. */
  get #inUse(): number {
    const { native, local, peer } = this.#options;
    return native.migrate(local, peer);
  }
}
