/** Tells the log when a server behind the store is lost and when it is back: once each, with the reason. */
import type { Log } from "../observe/log.ts";
import type { PartState, StoreParts } from "../observe/observer.ts";

/** A probe asks about as often. */
const pauseMs = 1_000;

export class StoreWatch implements Disposable {
  readonly #read: () => StoreParts;
  readonly #log: Log;
  readonly #wasUp = new Map<string, boolean>();
  readonly #timer: ReturnType<typeof setInterval>;

  /** What is up at its making is not told of. */
  constructor(read: () => StoreParts, log: Log) {
    this.#read = read;
    this.#log = log;
    this.#look();
    this.#timer = setInterval(() => this.#look(), pauseMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const [part, state] of Object.entries(this.#read())) this.#compare(part, state);
  }

  #compare(part: string, { isUp, reason }: PartState): void {
    if ((this.#wasUp.get(part) ?? true) === isUp) return;
    this.#wasUp.set(part, isUp);
    if (isUp) this.#log.info({ event: "store_part_back", part });
    else this.#log.error({ event: "store_part_lost", part, ...(reason !== undefined && { reason }) });
  }
}
