/**
 * The connection ids that the peer has given: one is in use, and is given back for another when this side or the peer
 * comes to another address, so that nobody who sees both paths can tell that they are one connection (RFC 9000 section
 * 9.5).
 */
import type { NativeConnection } from "./native.ts";

/** Ids that the library has put aside for paths it tests are met on the way to the one in use. */
const stepsMax = 64;

export class PeerIds {
  readonly #native: NativeConnection;
  /** No id with a lower number is held any more, or it is not the one in use. */
  #lowest = 0;
  #isFixed = false;

  constructor(native: NativeConnection) {
    this.#native = native;
  }

  get hasSpare(): boolean {
    return this.#native.availableDcids() > 0;
  }

  /** Two of the library's paths share the id in use: giving it back would leave one without any. */
  fix(): void {
    this.#isFixed = true;
  }

  /** Uses another one, if there is one to spare. */
  rotate(): void {
    if (this.#isFixed) return;
    const before = this.#native.destinationId();
    for (let steps = 0; steps < stepsMax && this.hasSpare; steps++) {
      try {
        this.#native.retireDestinationCid(this.#lowest);
      } catch {
        // Given back before, by this side or the peer.
      }
      this.#lowest += 1;
      if (Buffer.compare(this.#native.destinationId(), before) !== 0) return;
    }
  }
}
