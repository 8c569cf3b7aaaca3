/** Messages under way to a reader of the same process: each carries a number, and who sent it waits for it. */
import { randomBytes } from "node:crypto";
import { QpqError } from "quicproquo-proto";

/** What a payload has room for at least: the number, in its first bytes. */
const stampBytes = 8;

/** A call's own deadline. */
const deadlineMs = 10_000;

type Waiting = { readonly arrived: () => void; readonly timer: NodeJS.Timeout };

export class Arrivals {
  readonly #template: Uint8Array;
  readonly #waiting = new Map<number, Waiting>();
  #sent = 0;

  constructor(payloadBytes: number) {
    this.#template = randomBytes(Math.max(stampBytes, payloadBytes)); // as ciphertext is
  }

  /** Sends a payload with the next number, and resolves when `arrived` was told of it. E028_DEADLINE. */
  async through(send: (payload: Uint8Array, number: number) => Promise<unknown>): Promise<void> {
    const number = this.#sent++;
    const payload = Uint8Array.from(this.#template);
    new DataView(payload.buffer).setFloat64(0, number);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new QpqError("E028_DEADLINE", { text: "it did not arrive" })), deadlineMs);
    this.#waiting.set(number, { arrived: resolve, timer });
    try {
      await Promise.all([promise, send(payload, number)]);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(number);
      promise.catch(() => undefined); // when the sending itself failed
    }
  }

  /** Of what nobody waits for any more, or a second time, nothing happens. */
  arrived(payload: Uint8Array): void {
    if (payload.length < stampBytes) return;
    this.arrivedNumber(new DataView(payload.buffer, payload.byteOffset).getFloat64(0));
  }

  arrivedNumber(number: number): void {
    this.#waiting.get(number)?.arrived();
  }
}
