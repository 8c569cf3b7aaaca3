/** Closes a connection from this side: what the peer is told, and how often that is tried. */
import type { ConnectionClosed } from "../port.ts";
import type { NativeConnection } from "./native.ts";

/**
 * The close frame needs one packet. But while a probe of the handshake is pending the library gives out the same probe
 * for ever and never comes to the close (seen 62 times in 3,000 on a busy machine): so few packets a flush, and another
 * try when the peer's next datagram has ended the handshake there too.
 */
const packetsMax = 4;
/** The tries are over after so many packets. */
const packetsTotalMax = 32;

export class Farewell {
  readonly closed: ConnectionClosed & { readonly code: number };
  readonly #native: NativeConnection;
  #said = false;
  #packets = 0;

  constructor(native: NativeConnection, closed: ConnectionClosed & { readonly code: number }) {
    this.#native = native;
    this.closed = closed;
  }

  /** What is pending is not sent any more. */
  say(): void {
    this.#said = true;
    this.#native.close(true, this.closed.code, Buffer.from(this.closed.reason));
  }

  /** transmit sends at most so many packets; false = there are more. Answers false when it is of no use to go on. */
  send(transmit: (packetsMax: number) => boolean): boolean {
    if (!this.#said) {
      transmit(packetsMax); // what is pending goes first: a pending probe would keep the close back
      this.say();
    }
    if (transmit(packetsMax)) return true;
    this.#packets += packetsMax;
    return this.#packets < packetsTotalMax;
  }
}
