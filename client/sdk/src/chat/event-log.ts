/**
 * Events that nobody has taken yet, durable: they are written in the batch of what they tell of, and come again after a
 * crash until they were taken. One reader at a time.
 */
import type { RecordChange, RecordStore } from "quicproquo-core";
import type { ChatEvent } from "./chat-event.ts";
import { decodeValue, encodeValue } from "../record-value.ts";

const folder = "event";

type Numbered = { readonly number: number; readonly event: ChatEvent };
export type Prepared = { readonly changes: readonly RecordChange[]; readonly numbered: readonly Numbered[] };

export class EventLog {
  readonly #records: RecordStore;
  readonly #eventsMax: number;
  #waiting: Numbered[] = [];
  #taken: number[] = [];
  #next: number;
  #dropped = 0;
  #arrival = Promise.withResolvers<void>();

  private constructor(records: RecordStore, eventsMax: number, waiting: Numbered[]) {
    this.#records = records;
    this.#eventsMax = eventsMax;
    this.#waiting = waiting;
    this.#next = (waiting.at(-1)?.number ?? 0) + 1;
  }

  static async open(records: RecordStore, eventsMax: number): Promise<EventLog> {
    const entries = await records.list(folder);
    const waiting = entries.map(({ id, bytes }) => ({
      number: Number(id.slice(folder.length + 1)),
      event: decodeValue<ChatEvent>(bytes),
    }));
    return new EventLog(records, eventsMax, waiting);
  }

  /** One event in a write of its own. */
  async add(event: ChatEvent): Promise<void> {
    const prepared = this.prepare([event]);
    await this.#records.write(prepared.changes);
    this.written(prepared);
  }

  /** What the caller writes, and then hands to `written`. */
  prepare(events: readonly ChatEvent[]): Prepared {
    const numbered = events.map((event) => ({ number: this.#next++, event }));
    const changes = numbered.map(({ number, event }) => ({ id: idOf(number), bytes: encodeValue(event) }));
    return { changes, numbered };
  }

  written({ numbered }: Prepared): void {
    if (numbered.length === 0) return;
    this.#waiting.push(...numbered);
    while (this.#waiting.length > this.#eventsMax) {
      this.#taken.push((this.#waiting.shift() as Numbered).number);
      this.#dropped++;
    }
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }

  /** Resolves when the next event is written. */
  get arrival(): Promise<void> {
    return this.#arrival.promise;
  }

  /** The oldest event; it stays the oldest until `take`. */
  peek(): ChatEvent | undefined {
    if (this.#dropped > 0) return { kind: "eventsDropped", count: this.#dropped };
    return this.#waiting[0]?.event;
  }

  /** What `peek` answered was handled. It is forgotten on the disk by `forgetTaken`. */
  take(event: ChatEvent): void {
    if (event.kind === "eventsDropped") this.#dropped -= event.count;
    // another one stands first when this one was dropped while it was handled
    else if (this.#waiting[0]?.event === event) this.#taken.push((this.#waiting.shift() as Numbered).number);
  }

  /** One write for all that was taken since: without it they come again after a restart. */
  async forgetTaken(): Promise<void> {
    const taken = this.#taken;
    if (taken.length === 0) return;
    this.#taken = [];
    await this.#records.write(taken.map((number) => ({ id: idOf(number), bytes: undefined })));
  }
}

/** Digits enough that ids sort as their numbers do. */
function idOf(number: number): string {
  return `${folder}/${String(number).padStart(15, "0")}`;
}
