/**
 * The connection ids that a server has given its client: one is in use, and is given back for another when the client comes
 * to another address, so that nobody who sees both paths can tell that they are one connection (RFC 9000 section 9.5). What
 * a client gives its server: path-ids.ts.
 *
 * An id that was given back may come to the library a second time, when the peer repeats the frame that gave it. Used
 * again, and its giving back repeated too, it makes the library's `send` run for ever: it leaves out the frame that would
 * give back the id of the packet it writes, and looks for the next one, which is the same (CVE-2025-7054; seen in a client
 * of 10,000 that came back at once). So it is given back again at once, and where there is no other the connection is over.
 */
import type { NativeConnection } from "./native.ts";

/** Ids that the library has put aside for paths it tests are met on the way to the one in use. */
const stepsMax = 64;

export class PeerIds {
  readonly #native: NativeConnection;
  readonly #onSpent: () => void;
  /** No id with a lower number is held any more, or it is not the one in use. */
  #lowest = 0;
  /** Their numbers, by the id. */
  readonly #givenBack = new Map<string, number>();

  /** onSpent: the library must not be asked for a packet any more. */
  constructor(native: NativeConnection, onSpent: () => void) {
    this.#native = native;
    this.#onSpent = onSpent;
  }

  get hasSpare(): boolean {
    return this.#native.availableDcids() > 0;
  }

  /** Uses another one, if there is one to spare. */
  rotate(): void {
    let inUse = this.#inUse;
    for (let steps = 0; steps < stepsMax && this.hasSpare; steps++) {
      const number = this.#givenBack.get(inUse) ?? this.#lowest++;
      try {
        this.#native.retireDestinationCid(number);
      } catch {
        // Given back before, by this side or the peer.
      }
      const next = this.#inUse;
      if (next === inUse) continue;
      this.#givenBack.set(inUse, number);
      inUse = next;
      if (!this.#givenBack.has(next)) return;
    }
    if (this.#givenBack.has(inUse)) this.#onSpent();
  }

  get #inUse(): string {
    return Buffer.from(this.#native.destinationId()).toString("latin1");
  }
}
