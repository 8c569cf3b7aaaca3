/** One sender's messages to one inbox are received in the order it sent them: it waits for each before it sends the next. */
import type { Entry } from "../ledger.ts";

export type Sent = { readonly sender: number; readonly number: number };

export class SenderOrder {
  readonly #last = new Map<string, number>();
  readonly #overtaken: Entry[] = [];

  /** When a message is received for the first time. */
  receive(entry: Entry, { sender, number }: Sent): void {
    const key = `${sender}/${entry.inbox}`;
    if (number <= (this.#last.get(key) ?? -1)) this.#overtaken.push(entry);
    else this.#last.set(key, number);
  }

  /** Received behind a later message of the same sender, or once more under another seq. */
  get overtaken(): readonly Entry[] {
    return this.#overtaken;
  }
}
