/**
 * The books of a simulated cluster: one for each time that a standby took over and lost commits. What survived stands in
 * the next one as well; what was lost is nobody's fault there, for its readers are told epochReset.
 */
import type { InboxKey } from "quicproquo-proto";
import { Book, type TrialFaults } from "../crash/chaos/book.ts";
import type { Commit } from "../crash/chaos/commit-book.ts";
import { payloadOf } from "../crash/chaos/messages.ts";
import type { Database } from "./database.ts";

type Message = { readonly inbox: string; readonly seq: bigint; readonly payload: Uint8Array };

export class Books {
  readonly #clock: () => number;
  readonly #database: Database;
  /** The books that were closed, and the first store epoch that no longer belongs to them. */
  readonly #closed: { readonly book: Book; readonly beforeEpoch: bigint }[] = [];
  #book: Book;
  /** In the open book. */
  #acknowledged = new Set<string>();
  #received = new Set<string>();
  #failedOver = Promise.withResolvers<void>();

  constructor(clock: () => number, database: Database) {
    this.#clock = clock;
    this.#database = database;
    this.#book = this.#open();
  }

  /** Acknowledged, not lost and not yet received. */
  get missing(): number {
    return this.#book.missing;
  }

  get acknowledged(): number {
    return this.#all.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }

  get received(): number {
    return this.#all.reduce((sum, { received }) => sum + received, 0);
  }

  acknowledge(inbox: string, seq: bigint, payload: Uint8Array, by: string): void {
    if (this.#database.hasLost(inbox as InboxKey, seq, payload) && !this.#isHeld({ inbox, seq, payload })) return;
    this.#acknowledged.add(nameOf(inbox, seq));
    this.#book.acknowledge(inbox, seq, payload, by);
  }

  receive({ inbox, seq, payload }: Message, storeEpoch: bigint, by: string): void {
    const book = this.#bookOf(storeEpoch);
    if (book === this.#book) this.#received.add(nameOf(inbox, seq));
    book.receive(inbox, seq, payload, by);
  }

  /** Acknowledgements of another epoch remove nothing, and are answered like any other. */
  remove({ inbox, upTo }: { readonly inbox: string; readonly upTo: bigint }, storeEpoch: bigint, by: string): void {
    if (storeEpoch === this.#database.storeEpoch) this.#book.remove(inbox, upTo, by);
  }

  toldLost(inbox: string, upTo: bigint, kind: string): void {
    this.#book.toldLost(inbox, upTo, kind);
  }

  acceptCommit(commit: Commit): void {
    // the answer was on its way when a standby took over that had not heard of it
    if (this.#database.hasLostAllOf(payloadOf({ kind: "commit", ...commit }))) return;
    this.#book.acceptCommit(commit);
  }

  refuseCommit(commit: Commit): void {
    // a group that was set back may yet come to an epoch that was refused for lying ahead: an earlier try then counts
    if (this.#closed.length > 0) return;
    this.#book.refuseCommit(commit);
  }

  unexpected(what: string): void {
    this.#book.unexpected(what);
  }

  /** Or it may have been lost, or is. */
  async untilReceived(inbox: string, seq: bigint): Promise<void> {
    if (!this.#acknowledged.has(nameOf(inbox, seq))) return;
    await Promise.race([this.#book.untilReceived(inbox, seq), this.#failedOver.promise]);
  }

  /** After the database's. */
  failOver(): void {
    const [acknowledged, received] = [this.#acknowledged, this.#received];
    this.#closed.push({ book: this.#book, beforeEpoch: this.#database.storeEpoch });
    this.#book = this.#open();
    this.#acknowledged = new Set();
    this.#received = new Set();
    const by = "who was there before the failover";
    for (const { inbox, seq, payload } of this.#database.survivors()) {
      if (seq <= this.#database.ackedOf(inbox)) {
        this.#book.receive(inbox, seq, payload, by);
        this.#book.remove(inbox, seq, by);
        continue;
      }
      // who has received it and parks knows of no failover, and need not be given it again
      const name = nameOf(inbox, seq);
      if (acknowledged.has(name) && !received.has(name)) this.acknowledge(inbox, seq, payload, by);
      if (received.has(name)) this.#received.add(name);
    }
    this.#failedOver.resolve();
    this.#failedOver = Promise.withResolvers();
  }

  faults(): TrialFaults {
    const sum = { ...this.#book.faults() };
    for (const { book } of this.#closed) {
      const { lost: _, late: __, ...faults } = book.faults();
      for (const name of Object.keys(faults) as (keyof typeof faults)[]) sum[name] += faults[name];
    }
    return sum;
  }

  lines(): string[] {
    return this.#all.flatMap((book) => book.lines());
  }

  get #all(): Book[] {
    return [...this.#closed.map(({ book }) => book), this.#book];
  }

  #open(): Book {
    // a call that was made before a failover may bring back, late, what was acknowledged and then lost
    const book = new Book(this.#clock, (payload) => this.#database.wasLost(payload));
    // how late a message may be is the sleepers' matter
    book.lateness.beginFault(0);
    return book;
  }

  #bookOf(storeEpoch: bigint): Book {
    return this.#closed.find(({ beforeEpoch }) => storeEpoch < beforeEpoch)?.book ?? this.#book;
  }

  #isHeld({ inbox, seq, payload }: Message): boolean {
    return this.#database.holds(inbox as InboxKey, seq, payload);
  }
}

function nameOf(inbox: string, seq: bigint): string {
  return `${inbox}/${seq}`;
}
