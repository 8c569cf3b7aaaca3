/**
 * The book of a trial: every message that was acknowledged, received and removed, and whether all of it keeps the
 * promises. Written by senders and readers in the order of events, of which one process sees all.
 */
import { faultsOf, Ledger, noFaults, payloadHashOf } from "../ledger.ts";
import type { Entry } from "../ledger.ts";
import { type Commit, CommitBook } from "./commit-book.ts";
import { Lateness } from "./lateness.ts";
import { messageOf } from "./messages.ts";
import { SenderOrder } from "./sender-order.ts";
import { nameOf, TimeLine } from "./time-line.ts";

export const noTrialFaults = {
  ...noFaults,
  overtaken: 0,
  late: 0,
  toldLost: 0,
  twoCommits: 0,
  refusedAndDelivered: 0,
  unexpected: 0,
} as const;
export type TrialFaults = Record<keyof typeof noTrialFaults, number>;

/** So many messages are told of in a time line. */
const toldMax = 10;

export class Book {
  readonly timeLine: TimeLine;
  readonly lateness = new Lateness();
  readonly #clock: () => number;
  readonly #mayOvertake: (payload: Uint8Array) => boolean;
  readonly #ledger = new Ledger({ forgetsSettled: true });
  readonly #order = new SenderOrder();
  readonly #commits = new CommitBook();
  /** The highest seq of each inbox: what was passed over is a gap, and told as one. */
  readonly #received = new Map<string, bigint>();
  /** When it was acknowledged, of what was not received since. */
  readonly #missing = new Map<string, Map<bigint, { readonly entry: Entry; readonly atMs: number }>>();
  readonly #onReceived = new Map<string, PromiseWithResolvers<void>>();
  readonly #unexpected: string[] = [];
  readonly #toldLost: Entry[] = [];
  #missingCount = 0;
  /** How often a client was refused for now, by code. */
  readonly refused: Record<string, number> = {};
  acknowledged = 0;
  received = 0;

  /** The clock's ms may have any beginning. The order of what may overtake is not judged. */
  constructor(clock: () => number, mayOvertake: (payload: Uint8Array) => boolean = () => false) {
    this.#clock = clock;
    this.#mayOvertake = mayOvertake;
    this.timeLine = new TimeLine(clock);
  }

  /** Acknowledged and not yet received. */
  get missing(): number {
    return this.#missingCount;
  }

  acknowledge(inbox: string, seq: bigint, payload: Uint8Array, by: string): void {
    const entry = { inbox, seq, payloadHash: payloadHashOf(payload) };
    this.acknowledged++;
    this.#ledger.acknowledge(entry);
    this.timeLine.message("acknowledged", entry, by);
    if (this.#hasReceived(inbox, seq)) return;
    const missing = this.#missing.get(inbox) ?? new Map();
    if (missing.size === 0) this.#missing.set(inbox, missing);
    if (!missing.has(seq)) this.#missingCount++;
    missing.set(seq, { entry, atMs: this.#clock() });
  }

  receive(inbox: string, seq: bigint, payload: Uint8Array, by: string): void {
    const entry = { inbox, seq, payloadHash: payloadHashOf(payload) };
    this.received++;
    this.#ledger.receive(entry);
    this.timeLine.message("received", entry, by);
    if (this.#hasReceived(inbox, seq)) return;
    this.#received.set(inbox, seq);
    this.#receiveFirst(entry, payload);
  }

  /** A reader's removal was confirmed. */
  remove(inbox: string, upTo: bigint, by: string): void {
    this.#ledger.remove(inbox, upTo);
    this.timeLine.message("removed", { inbox, seq: upTo }, by);
  }

  /** A reader was told that messages are gone. In a trial nothing expires and no inbox is full. */
  toldLost(inbox: string, upTo: bigint, kind: string): void {
    this.#toldLost.push({ inbox, seq: upTo, payloadHash: "" });
    this.timeLine.fault(`a reader was told gap{${kind}} up to ${nameOf({ inbox, seq: upTo })}`);
  }

  /** All clients did nothing: what comes late then is late by that. */
  stall(fromMs: number, toMs: number): void {
    this.lateness.stall(fromMs, toMs);
    this.timeLine.fault(`the clients have done nothing for ${Math.round(toMs - fromMs)} ms`);
  }

  acceptCommit(commit: Commit): void {
    this.#commits.accept(commit);
  }

  refuseCommit(commit: Commit): void {
    this.#commits.refuse(commit);
  }

  /** An answer that no sound server gives. */
  unexpected(what: string): void {
    if (this.#unexpected.length < toldMax) this.timeLine.fault(`unexpected: ${what}`);
    this.#unexpected.push(what);
  }

  /** Resolves when the message has been received. */
  async untilReceived(inbox: string, seq: bigint): Promise<void> {
    if (this.#hasReceived(inbox, seq)) return;
    const key = `${inbox}/${seq}`;
    // two may wait for it: one was told of a message that stood there before a failover
    const received = this.#onReceived.get(key) ?? Promise.withResolvers<void>();
    this.#onReceived.set(key, received);
    await received.promise;
  }

  get commits(): number {
    return this.#commits.accepted;
  }

  /** What is missing now is late already, if it is. */
  faults(): TrialFaults {
    return {
      ...faultsOf(this.#ledger.verdict()),
      overtaken: this.#order.overtaken.length,
      late: this.lateness.late.length + this.#lateAndMissing().length,
      toldLost: this.#toldLost.length,
      twoCommits: this.#commits.twice.length,
      refusedAndDelivered: this.#commits.refusedAndDelivered.length,
      unexpected: this.#unexpected.length,
    };
  }

  /** The messages of every kind of fault, a few of each, and what happened to them. */
  lines(): string[] {
    const { lost, duplicated, outOfOrder, gaps, altered } = this.#ledger.verdict();
    const late = [...this.lateness.late, ...this.#lateAndMissing()];
    const kinds = { lost, duplicated, outOfOrder, gaps, altered, overtaken: this.#order.overtaken, late };
    const concerned: Entry[] = [];
    const heads = Object.entries(kinds).flatMap(([kind, entries]) => {
      const told = entries.slice(0, toldMax);
      concerned.push(...told);
      return told.length === 0 ? [] : [`${kind}: ${entries.length}, of them ${told.map(nameOf).join(" ")}`];
    });
    for (const { group, epoch, rival } of this.#commits.twice.slice(0, toldMax))
      heads.push(`group ${group}: epoch ${epoch} was accepted of rival ${rival} too`);
    for (const { group, epoch, rival } of this.#commits.refusedAndDelivered.slice(0, toldMax))
      heads.push(`group ${group}: epoch ${epoch} of rival ${rival} was refused, and delivered`);
    return [...heads, ...this.timeLine.lines(concerned)];
  }

  #hasReceived(inbox: string, seq: bigint): boolean {
    return seq <= (this.#received.get(inbox) ?? 0n);
  }

  #receiveFirst(entry: Entry, payload: Uint8Array): void {
    const { inbox, seq } = entry;
    const message = messageOf(payload);
    const missing = this.#missing.get(inbox);
    const sent = missing?.get(seq);
    if (sent !== undefined) {
      this.lateness.deliver(entry, sent.atMs, this.#clock());
      missing?.delete(seq);
      this.#missingCount--;
    }
    if (message.kind === "commit") this.#commits.deliver(message);
    else if (!this.#mayOvertake(payload)) this.#order.receive(entry, message);
    const key = `${inbox}/${seq}`;
    this.#onReceived.get(key)?.resolve();
    this.#onReceived.delete(key);
  }

  #lateAndMissing(): Entry[] {
    const now = this.#clock();
    return [...this.#missing.values()].flatMap((inbox) =>
      [...inbox.values()].filter(({ atMs }) => this.lateness.isLate(atMs, now)).map(({ entry }) => entry),
    );
  }
}
