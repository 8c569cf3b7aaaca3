/** What senders do in the trials of Postgres: a load that goes on, and is counted, until it is told to end. */
import assert from "node:assert/strict";
import { QpqError } from "quicproquo-proto";
import type { Append, MessageLog } from "../../src/store/port.ts";
import { type Ledger, payloadHashOf } from "./ledger.ts";
import { Tally } from "./tally.ts";

/** Again after a moment, with the same message id, while the store cannot be reached. */
export async function insist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof QpqError) || error.code !== "E020_STORE_UNAVAILABLE") throw error;
      await new Promise((resolve) => setTimeout(resolve, (error.retryAfterMs ?? 0) / 50));
    }
  }
}

export type SendersOptions = {
  readonly count: number;
  readonly ledger: Ledger;
  readonly logOf: (sender: number) => MessageLog;
  readonly messageOf: (number: number) => Append;
};

export class Senders {
  readonly #options: SendersOptions;
  readonly #sending: Promise<unknown>;
  readonly #tally = new Tally();
  #next = 0;
  #isOver = false;

  constructor(options: SendersOptions) {
    this.#options = options;
    this.#sending = Promise.all(Array.from({ length: options.count }, (_, sender) => this.#send(sender)));
  }

  get acknowledged(): number {
    return this.#tally.count;
  }

  /** Resolves after so many more acknowledgements, or rejects when a sender has failed. */
  acknowledgedMore(count: number): Promise<void> {
    return this.#tally.more(count, this.#sending);
  }

  /** Every message that was begun is acknowledged when it resolves. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#sending;
  }

  async #send(sender: number): Promise<void> {
    const { ledger, logOf, messageOf } = this.#options;
    while (!this.#isOver) {
      const entry = messageOf(this.#next++);
      const answer = await insist(() => logOf(sender).append(entry));
      assert.ok(answer.kind !== "full");
      ledger.acknowledge({ inbox: entry.inbox, seq: answer.seq, payloadHash: payloadHashOf(entry.payload) });
      this.#tally.add();
    }
  }
}
