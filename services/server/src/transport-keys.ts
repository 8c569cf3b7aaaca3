/**
 * Keys of the transports, all derived from one secret that every front-end has (RFC 5869, each under a label of its own):
 * so a Retry token, a stateless reset or a session ticket of one is good on all, and after a restart.
 *
 * Early data has no forward secrecy beyond the ticket key, so that key is one a day (UTC). Who comes with a ticket of the
 * day before makes a full handshake.
 */
import { hkdfSync } from "node:crypto";
import { labels } from "quicproquo-proto";
import type { Clock } from "./store/port.ts";

const dayMs = 86_400_000;
const ticketKeyBytes = 48;

export class TransportKeys {
  readonly retryKey: Uint8Array;
  readonly resetKey: Uint8Array;
  /** The first 8 bytes of connection ids, unless the operator chose others. */
  readonly serverId: Uint8Array;
  readonly #secret: string;
  readonly #clock: Clock;

  constructor(secret: string, clock: Clock) {
    this.#secret = secret;
    this.#clock = clock;
    this.retryKey = derive(secret, labels.retryKey, 32);
    this.resetKey = derive(secret, labels.resetKey, 32);
    this.serverId = derive(secret, labels.serverId, 8);
  }

  /** Of today. */
  get ticketKey(): Uint8Array {
    return derive(this.#secret, `${labels.ticketKey}\0${this.#today}`, ticketKeyBytes);
  }

  /** Hands each day's ticket key to the listeners at its beginning. Returns what stops it. */
  rotate(listeners: readonly { setTicketKey(key: Uint8Array): void }[]): () => void {
    let timer: ReturnType<typeof setTimeout>;
    const wait = (): void => {
      timer = setTimeout(
        () => {
          const { ticketKey } = this;
          for (const listener of listeners) listener.setTicketKey(ticketKey);
          wait();
        },
        (this.#today + 1) * dayMs - this.#clock(),
      );
      timer.unref();
    };
    wait();
    return () => clearTimeout(timer);
  }

  get #today(): number {
    return Math.floor(this.#clock() / dayMs);
  }
}

function derive(secret: string, label: string, bytes: number): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "", label, bytes));
}
