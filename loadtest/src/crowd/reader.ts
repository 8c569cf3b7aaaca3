/**
 * One client: a connection of its own, as the sdk keeps and renews it, and an inbox that it reads behind its cursor, on
 * the next connection too. It subscribes, or asks again and again by fetchWait.
 */
import { setTimeout } from "node:timers/promises";
import { protocolVersion, type QpqError } from "quicproquo-proto";
import { type InboxClient, ReconnectingClient, type ServerAddress } from "quicproquo-sdk";
import { Cursor, type OnMessage } from "./cursor.ts";

export type ReaderOptions = {
  readonly server: ServerAddress;
  readonly accessToken: Uint8Array;
  readonly recipientKey: Uint8Array;
  /** Whether it acknowledges what it got; one acknowledgement is under way at a time. By fetchWait it always does. */
  readonly acknowledges: boolean;
  readonly onMessage: OnMessage;
  /** Each time the server has told where the inbox stands. */
  readonly onBack: () => void;
  readonly onLost: () => void;
};

export type Reader = {
  readonly cursor: Cursor;
  /** Resolves when it is closed; rejects with what no other connection mends. */
  run(): Promise<void>;
  /** Its connection is gone, as after a change of networks; it makes the next. */
  lose(): void;
  close(): void;
};

/** A subscription that was refused is asked for again after a pause, as the sdk does with calls. */
const pauseFirstMs = 50;
const pauseMaxMs = 2_000;

export class Subscriber implements Reader {
  readonly cursor: Cursor;
  readonly #options: ReaderOptions;
  readonly #client: ReconnectingClient;
  #acknowledged = 0n;
  #isAcknowledging = false;
  #isClosed = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.cursor = new Cursor(options.onMessage);
    this.#client = new ReconnectingClient({ server: options.server, giveUpAfterMs: Number.POSITIVE_INFINITY });
  }

  async run(): Promise<void> {
    let refusals = 0;
    while (!this.#isClosed) {
      const life = await this.#live();
      if (this.#isClosed) return;
      const { error } = life;
      if (error.kind !== "unavailable" && error.kind !== "limited") throw error;
      if (life.wasTold) {
        refusals = 0;
        this.#options.onLost();
        continue;
      }
      const ceilingMs = Math.min(pauseMaxMs, pauseFirstMs * 2 ** Math.min(refusals++, 10));
      await setTimeout((error.retryAfterMs ?? 0) + Math.random() * ceilingMs);
    }
  }

  lose(): void {
    this.#client.current?.close();
  }

  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }

  /** From a connection to the end of the subscription on it. */
  async #live(): Promise<{ readonly error: QpqError; readonly wasTold: boolean }> {
    // any call makes the connection, with the pauses of all who come back
    await this.#client.call("health", {});
    const node = this.#client.current;
    if (node === undefined) throw new Error("a call was answered without a connection");
    using session = node.openSession(this.#options.accessToken);
    using inbox = session.inbox(this.#options.recipientKey);
    const ended = Promise.withResolvers<QpqError>();
    let wasTold = false;
    const { seq: after, storeEpoch } = this.cursor;
    using _subscription = inbox.subscribe(
      { after, storeEpoch },
      {
        deliver: (envelopes, gap) => {
          if (!wasTold) this.#options.onBack();
          wasTold = true;
          this.cursor.take(envelopes, gap);
          if (this.#options.acknowledges) this.#acknowledge(inbox);
        },
        end: ended.resolve,
      },
    );
    return { error: await ended.promise, wasTold };
  }

  #acknowledge(inbox: InboxClient): void {
    const { seq, storeEpoch } = this.cursor;
    if (this.#isAcknowledging || seq === this.#acknowledged) return;
    this.#isAcknowledging = true;
    inbox
      .ack(seq, storeEpoch)
      .then(
        () => {
          this.#acknowledged = seq;
          return true;
        },
        () => false, // it goes with the next
      )
      .then((isDone) => {
        this.#isAcknowledging = false;
        if (isDone) this.#acknowledge(inbox);
      });
  }
}

/** As the sdk's chat client reads: what it has is acknowledged with the next call. */
export class Poller implements Reader {
  readonly cursor: Cursor;
  readonly #options: ReaderOptions;
  readonly #client: ReconnectingClient;
  #isClosed = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.cursor = new Cursor(options.onMessage);
    this.#client = new ReconnectingClient({ server: options.server, giveUpAfterMs: Number.POSITIVE_INFINITY });
  }

  async run(): Promise<void> {
    const { accessToken, recipientKey } = this.#options;
    const none = new Uint8Array();
    const auth = { version: protocolVersion, accessToken, deviceId: none };
    const inbox = { recipientKey, channelId: none, version: protocolVersion, auth, limit: 0, keep: true };
    // the first looks, so that it is known to be there; the others wait
    for (let timeoutMs = 1n; !this.#isClosed; timeoutMs = pollMs) {
      const { seq: after, storeEpoch } = this.cursor;
      try {
        const options = { timeoutMs: Number(timeoutMs) + wayMs };
        const { payloads, gap } = await this.#client.call(
          "fetchWait",
          { ...inbox, after, storeEpoch, timeoutMs },
          options,
        );
        if (timeoutMs === 1n) this.#options.onBack();
        this.cursor.take(payloads, gap);
      } catch (error) {
        if (!this.#isClosed) throw error;
      }
    }
  }

  lose(): void {
    this.#client.current?.close();
  }

  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }
}

const pollMs = 30_000n;
/** For the way of an answer. */
const wayMs = 5_000;
