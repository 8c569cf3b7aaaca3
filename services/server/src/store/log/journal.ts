/**
 * The log as it is written: records are gathered into one batch and carried out at once, and are durable together when
 * `commit` returns. Nobody may be told of them before.
 */
import { QpqError } from "quicproquo-proto";
import type { BatchFile } from "./batch-file.ts";
import { closedPath } from "./files.ts";
import type { Inbox } from "./inbox-index.ts";
import { createSegment, type JournalOptions, type OpenedFolder, openFolder, type Recovery } from "./open-folder.ts";
import { RecordWriter } from "./record-writer.ts";
import type {
  CommitName,
  GroupCommitRecord,
  GroupRecord,
  IdRecord,
  InboxRecord,
  MarkRecord,
  MessageRecord,
  SharedBody,
  StandingRecord,
} from "./records.ts";
import { type Position, replayUpTo } from "./recovery.ts";
import { LogState } from "./state.ts";

type Inbox_ = Inbox["key"];

export class Journal {
  readonly #options: JournalOptions;
  readonly #writer = new RecordWriter();
  /** Bytes of those that are no longer written. */
  readonly #sealed: Map<number, number>;
  readonly recovery: Recovery;
  #state: LogState;
  #file: BatchFile;

  private constructor(options: JournalOptions, { state, file, sealed, recovery }: OpenedFolder) {
    this.#options = options;
    this.#state = state;
    this.#file = file;
    this.#sealed = sealed;
    this.recovery = recovery;
    this.#begin();
    this.#tellPosition();
  }

  /** E038_STORE_DAMAGED, E037_STORE_SCHEMA, or what the disk says. */
  static open(options: JournalOptions): Journal {
    return new Journal(options, openFolder(options));
  }

  /** Everything before it is durable. */
  get written(): Position {
    return { segment: this.segment, offset: this.#file.end };
  }

  /** Replaced when a batch failed. */
  get state(): LogState {
    return this.#state;
  }

  get options(): JournalOptions {
    return this.#options;
  }

  /** The segment that is written. */
  get segment(): number {
    return this.#file.header.number;
  }

  /** Segments that are no longer written, with their bytes. */
  get sealed(): ReadonlyMap<number, number> {
    return this.#sealed;
  }

  /** The segment that is written has a batch. */
  get isBegun(): boolean {
    return this.#file.batches > 0;
  }

  /**
   * Makes room for a batch of about so many bytes, before anything of it is carried out. When it fails nothing has
   * changed. `grows`: it is messages, for which E035_STORE_FULL keeps the last room free.
   */
  prepare(bytes: number, grows: boolean): void {
    if (this.#file.batches > 0 && this.#file.end + bytes > this.#options.segmentBytesMax) this.rotate();
    const missing = this.#file.end + bytes - this.#file.roomEnd;
    if (missing <= 0) return;
    const left = this.#options.bytesMax - this.#allBytes();
    if (grows && missing > left) throw new QpqError("E035_STORE_FULL");
    this.#file.makeRoom(bytes, grows ? Math.max(0, Math.min(left, this.#options.segmentBytesMax)) : 0);
  }

  /** The batch is durable when it returns. When it throws, nobody knows: `restore`, or end the process. */
  commit(): void {
    if (this.#writer.isEmpty) return;
    this.#file.write(this.#writer);
    try {
      this.#file.sync();
    } catch (cause) {
      throw new SyncFailed(cause);
    }
    this.#begin();
    this.#tellPosition();
  }

  /** After a batch that failed before it was synced: the state of what is durable. */
  restore(): void {
    this.#file.cut();
    const state = new LogState();
    replayUpTo(this.#options, state, this.written);
    this.#state = state;
    this.#begin();
  }

  /** The next segment. The one before is whole on the disk, as its last batch is. */
  rotate(): void {
    const before = this.#file;
    this.#file = createSegment(this.#options, this.segment + 1);
    this.#sealed.set(before.header.number, before.end);
    this.#begin();
    try {
      before.finish();
    } catch {
      // Its batches are on the disk since their commits; the room behind them may stay.
    }
    before.close();
    this.#tellPosition();
  }

  /** It is no longer there, and is not read any more. */
  forgetSegment(number: number): void {
    this.#sealed.delete(number);
  }

  close(): void {
    const { files, folder } = this.#options;
    this.#file.finish();
    this.#file.close();
    const mark = files.create(closedPath(folder));
    files.write(mark, Buffer.from(`${this.segment} ${this.#file.end}\n`), 0);
    files.sync(mark);
    files.close(mark);
    files.syncFolder(folder);
  }

  message(record: MessageRecord): void {
    this.#state.message(record, this.#writer.message(record));
  }

  body(bytes: Uint8Array): SharedBody {
    return this.#writer.body(bytes);
  }

  mark(record: MarkRecord): void {
    this.#writer.mark(record);
    this.#state.mark(record);
  }

  ack(inbox: Inbox_, upTo: number): void {
    this.#writer.ack(inbox, upTo);
    this.#state.ack(inbox, upTo);
  }

  trim(inbox: Inbox_, upTo: number): void {
    this.#writer.trim(inbox, upTo);
    this.#state.trim(inbox, upTo);
  }

  tombstone(inbox: Inbox_, seq: number): void {
    this.#writer.tombstone(inbox, seq);
    this.#state.tombstone(inbox, seq);
  }

  removeInbox(inbox: Inbox_): void {
    this.#writer.removeInbox(inbox);
    this.#state.removeInbox(inbox);
  }

  forgetIds(count: number): void {
    this.#writer.forgetIds(count);
    this.#state.forgetIds(count);
  }

  group(record: GroupRecord): void {
    this.#writer.group(record);
    this.#state.group(record);
  }

  groupCommit(record: GroupCommitRecord): void {
    this.#writer.groupCommit(record);
    this.#state.groupCommit(record);
  }

  removeGroup(groupId: string): void {
    this.#writer.removeGroup(groupId);
    this.#state.removeGroup(groupId);
  }

  removeGroupCommit(name: CommitName): void {
    this.#writer.removeGroupCommit(name);
    this.#state.removeGroupCommit(name);
  }

  /** Of a store that is taken over, as in a checkpoint; what stands in it follows. */
  inbox(record: InboxRecord): void {
    this.#writer.inbox(record);
    this.#state.inbox(record);
  }

  standing(record: StandingRecord): void {
    this.#writer.standing(record);
    this.#state.standing(record);
  }

  id(record: IdRecord): void {
    this.#writer.id(record);
    this.#state.id(record);
  }

  #begin(): void {
    this.#writer.begin(this.segment, this.#file.end);
  }

  #tellPosition(): void {
    this.#options.positions.tellWritten(this.written);
  }

  #allBytes(): number {
    let bytes = this.#file.roomEnd;
    for (const sealed of this.#sealed.values()) bytes += sealed;
    return bytes;
  }
}

/**
 * The disk did not take what it was given. What the file holds now is not known, whatever it reads as, and another sync
 * would not tell: the process that opens it next writes its last segment anew.
 */
export class SyncFailed extends Error {
  constructor(cause: unknown) {
    super(`the disk did not take a batch: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
