/**
 * A user who reads an inbox by subscription, and acknowledges what came: as the reference client does, one acknowledgement
 * at a time, each for all that has come meanwhile. After a loss it subscribes again from where it stands.
 */
import { setTimeout } from "node:timers/promises";
import type { InboxClient, NodeClient, SubscriptionClient } from "quicproquo-sdk";
import type { Mailbox } from "./mailbox.ts";

export type OnMessage = (payload: Uint8Array) => void;

/** After a loss: a server that restarts is not there at once. */
const againMs = 100;

export class Subscribed implements Disposable {
  readonly #mailbox: Mailbox;
  readonly #onMessage: OnMessage;
  #inbox: InboxClient | undefined;
  #subscription: SubscriptionClient | undefined;
  #readSeq = 0n;
  #ackedSeq = 0n;
  #storeEpoch = 0n;
  #isAcking = false;
  #isOver = false;

  constructor(mailbox: Mailbox, onMessage: OnMessage) {
    this.#mailbox = mailbox;
    this.#onMessage = onMessage;
  }

  /** Resolves when the server has said where the inbox stands. Rejects with what it refused the subscription for. */
  async subscribe(client: NodeClient): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    using session = client.openSession(this.#mailbox.accessToken);
    const inbox = session.inbox(this.#mailbox.recipientKey);
    let hasBegun = false;
    this.#inbox = inbox;
    this.#subscription = inbox.subscribe(
      { after: this.#readSeq, storeEpoch: this.#storeEpoch },
      {
        deliver: (envelopes, { storeEpoch }) => {
          hasBegun = true;
          resolve();
          this.#storeEpoch = storeEpoch;
          for (const { seq, data } of envelopes) {
            this.#readSeq = seq;
            this.#onMessage(data);
          }
          void this.#acknowledge(inbox); // what it meets the subscription meets too
        },
        end: (error) => {
          reject(error);
          if (hasBegun) void this.#again();
        },
      },
    );
    await promise;
  }

  /** Ends the subscription, not the connection. */
  pause(): void {
    this.#subscription?.[Symbol.dispose]();
    this.#inbox?.[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.pause();
  }

  async #again(): Promise<void> {
    while (!this.#isOver && !this.#mailbox.isOver) {
      try {
        return await this.subscribe(await this.#mailbox.client());
      } catch {
        // what is sent meanwhile runs into its deadline, and is counted there
        await setTimeout(againMs);
      }
    }
  }

  async #acknowledge(inbox: InboxClient): Promise<void> {
    if (this.#isAcking) return;
    this.#isAcking = true;
    try {
      while (this.#ackedSeq < this.#readSeq && !this.#isOver && inbox === this.#inbox) {
        const seq = this.#readSeq;
        await inbox.ack(seq, this.#storeEpoch);
        this.#ackedSeq = seq;
      }
    } catch {
      // the next message's acknowledgement is for this one too
    } finally {
      this.#isAcking = false;
    }
  }
}
