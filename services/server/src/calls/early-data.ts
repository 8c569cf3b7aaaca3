/**
 * Calls that arrive in 0-RTT data, which may be a replay (RFC 8446 section 8): those that a repeat cannot harm run at once
 * (earlyDataRules of quicproquo-proto); others wait until the handshake has shown that the caller is there, and so do all
 * that come after one that waits, for calls keep their order.
 */

/** What is known of the connection of a stream. */
export type Handshake = {
  /** What arrives now may be a replay. */
  readonly isEarly: () => boolean;
  /** Resolves at the handshake's end, rejects when the connection ends before. */
  readonly done: () => Promise<void>;
};

export const handshakeDone: Handshake = { isEarly: () => false, done: () => Promise.resolve() };

export class EarlyDataGate {
  readonly #handshake: Handshake;
  #waiting: Promise<void> | undefined;

  constructor(handshake: Handshake) {
    this.#handshake = handshake;
  }

  /** undefined = the call may run now. */
  wait(mayRunEarly: boolean): Promise<void> | undefined {
    if (!this.#handshake.isEarly() || (mayRunEarly && this.#waiting === undefined)) return undefined;
    this.#waiting ??= this.#handshake.done();
    return this.#waiting;
  }
}
