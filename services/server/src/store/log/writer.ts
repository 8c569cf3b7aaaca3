/** The message log on its writing thread: the calls of one batch, made durable together. */
import type { IdentityKey, InboxKey } from "quicproquo-proto";
import { latin1 } from "quicproquo-proto";
import type { AckRequest } from "../packing/codec.ts";
import type { Append, Appended, GroupCommit, GroupCommitted } from "../port.ts";
import { Appends } from "./appends.ts";
import { Commits } from "./commits.ts";
import { Journal } from "./journal.ts";
import { MessageSweep } from "./message-sweep.ts";
import type { JournalOptions } from "./open-folder.ts";
import { Upkeep } from "./upkeep.ts";

export type LogWriterOptions = JournalOptions & {
  readonly storeEpoch: bigint;
  readonly queueDepthMax: number;
  readonly dedupeWindowMs: number;
  readonly groupLifeMs: number;
  readonly nowMs: number;
  readonly startCheckpoint: (number: number) => void;
};

/** Bytes of a batch beyond its appends: acks, and what a sweep removes. */
const otherBytes = 128 * 1024;
/** A call's bytes are at most about so many times as many in the log, and its entries so many more. */
const growth = 1.5;
const callBytes = 256;

export class LogWriter {
  readonly #journal: Journal;
  readonly #appends: Appends;
  readonly #commits: Commits;
  readonly #sweep: MessageSweep;
  readonly #upkeep: Upkeep;
  /** Those of the recipient that is being erased; looked for once, as that looks through all keys. */
  #erasing: { readonly recipient: string; readonly keys: InboxKey[] } | undefined;

  constructor(options: LogWriterOptions) {
    const { dedupeWindowMs, groupLifeMs } = options;
    this.#journal = Journal.open(options);
    this.#appends = new Appends(this.#journal, options);
    const append = this.#appends.appendOrMark.bind(this.#appends);
    this.#commits = new Commits(this.#journal, { append, groupLifeMs, dedupeWindowMs });
    this.#sweep = new MessageSweep(this.#journal, dedupeWindowMs);
    this.#upkeep = new Upkeep(this.#journal, options);
  }

  get journal(): Journal {
    return this.#journal;
  }

  get upkeep(): Upkeep {
    return this.#upkeep;
  }

  /** Before a batch: when it throws (E035_STORE_FULL, E020_STORE_UNAVAILABLE) nothing of it was done. */
  prepare({ calls, bytes, grows }: { calls: number; bytes: number; grows: boolean }): void {
    this.#journal.prepare(Math.ceil(growth * bytes) + callBytes * calls + (grows ? 0 : otherBytes), grows);
  }

  /** Durable when it returns. See Journal.commit. */
  commit(nowMs: number): void {
    this.#journal.commit();
    this.#upkeep.afterBatch(nowMs);
  }

  /** Nothing of the batch was done; not after SyncFailed. */
  restore(): void {
    this.#journal.restore();
    this.#upkeep.journalWasRestored();
    this.#erasing = undefined;
  }

  append(entries: readonly Append[], nowMs: number): readonly Appended[] {
    return this.#appends.append(entries, nowMs);
  }

  commitGroup(commit: GroupCommit, nowMs: number): GroupCommitted {
    return this.#commits.commit(commit, nowMs);
  }

  ack(request: AckRequest): boolean {
    return this.#appends.ack(request);
  }

  sweep(rowsMax: number, nowMs: number): number {
    const rows = this.#sweep.sweep({ rowsMax, nowMs });
    return rows + this.#commits.sweep(rowsMax - rows, nowMs);
  }

  /**
   * Removes inboxes of one recipient with all that stands in them, one after the other until it was rowsMax messages;
   * answers how many rows, a large inbox as rowsMax, 0: there is none. Bodies stand in their segments until those go.
   */
  eraseInboxes(recipient: IdentityKey, rowsMax: number): number {
    const name = latin1(recipient);
    const known = this.#erasing?.recipient === name ? this.#eraseSome(rowsMax) : 0;
    if (known > 0) return known;
    this.#erasing = { recipient: name, keys: this.#journal.state.inboxes.keysOf(recipient) };
    return this.#eraseSome(rowsMax);
  }

  #eraseSome(rowsMax: number): number {
    let rows = 0;
    while (rows < rowsMax) {
      const key = this.#erasing?.keys.pop();
      if (key === undefined) break;
      const inbox = this.#journal.state.inboxes.find(key);
      if (inbox === undefined) continue;
      rows += 1 + inbox.slots.length - inbox.head;
      this.#journal.removeInbox(key);
    }
    return Math.min(rows, rowsMax);
  }

  close(): void {
    this.#upkeep.close();
    this.#journal.close();
  }
}
