/**
 * Which calls may run on 0-RTT data. It has no replay protection (RFC 8446 section 8): whoever recorded the datagrams can
 * send them again. So only calls that a repeat cannot harm run at once, the column `earlyData` of the method table says
 * which; others wait until the handshake has shown that the caller is there, and so do all that come after one that waits,
 * for calls keep their order.
 */

/** idempotent = only with an idempotency key, whose dedupe window covers a replay. */
export type EarlyDataRule = "yes" | "idempotent" | "no";

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
  wait(rule: EarlyDataRule, params: { readonly idempotencyKey?: Uint8Array }): Promise<void> | undefined {
    if (!this.#handshake.isEarly()) return undefined;
    const hasKey = params.idempotencyKey !== undefined && params.idempotencyKey.length > 0;
    const isHarmless = rule === "yes" || (rule === "idempotent" && hasKey);
    if (isHarmless && this.#waiting === undefined) return undefined;
    this.#waiting ??= this.#handshake.done();
    return this.#waiting;
  }
}
