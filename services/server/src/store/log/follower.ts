/**
 * The reading thread's half: an index of its own, made by reading what the writer has made durable. So a read waits for
 * no commit, and sees nothing that could be lost.
 */
import type { LogFiles } from "./files.ts";
import { segmentPath } from "./files.ts";
import { batchHeaderBytes, fileHeaderBytes, markBytes } from "./format.ts";
import { InboxIndex } from "./inbox-index.ts";
import type { Positions } from "./positions.ts";
import { readRecords } from "./record-reader.ts";
import type { RecordTarget } from "./records.ts";
import { type LogSource, type Position, replayUpTo } from "./recovery.ts";
import { damaged } from "./scan.ts";

/** What is read at a time; a larger batch is read as one. */
const chunkBytes = 256 * 1024;

export class Follower {
  readonly index = new InboxIndex();
  readonly segments: OpenSegments;
  readonly #source: LogSource;
  readonly #positions: Positions;
  readonly #target: RecordTarget;
  #at: Position;
  #chunk = Buffer.allocUnsafeSlow(chunkBytes);

  /** The writer has opened the log, and removes nothing yet. */
  constructor(source: LogSource, positions: Positions) {
    this.#source = source;
    this.#positions = positions;
    this.#target = indexOnly(this.index);
    this.segments = new OpenSegments(source);
    this.#at = positions.written;
    replayUpTo(source, this.#target, this.#at);
    positions.tellFollowed(this.#at);
  }

  /** Carries out what has become durable since. */
  catchUp(): void {
    const written = this.#positions.written;
    while (this.#at.segment < written.segment) {
      const file = this.segments.fileOf(this.#at.segment);
      this.#follow(file, this.#source.files.bytesOf(file));
      this.#at = { segment: this.#at.segment + 1, offset: fileHeaderBytes };
      // What was removed meanwhile gives its room back when nobody has it open.
      this.segments.close();
    }
    if (this.#at.offset < written.offset) this.#follow(this.segments.fileOf(written.segment), written.offset);
    this.#positions.tellFollowed(this.#at);
  }

  close(): void {
    this.segments.close();
  }

  #follow(file: number, end: number): void {
    const { segment } = this.#at;
    let { offset } = this.#at;
    while (offset < end) {
      const bytes = this.#read(file, offset, Math.min(this.#chunk.length, end - offset));
      // Room that was not given back: no batch begins with zeros.
      if (bytes.length < batchHeaderBytes || bytes.subarray(0, markBytes).every((byte) => byte === 0)) break;
      let at = 0;
      while (at + batchHeaderBytes <= bytes.length) {
        const start = at + batchHeaderBytes;
        if (bytes.subarray(at, at + markBytes).every((byte) => byte === 0)) break;
        const batchEnd = start + bytes.readUInt32LE(at + markBytes + 4);
        if (batchEnd > bytes.length) break;
        readRecords({ bytes, start, end: batchEnd, segment, base: offset }, this.#target);
        at = batchEnd;
      }
      if (at === 0) this.#growTo(batchHeaderBytes + bytes.readUInt32LE(markBytes + 4), segment);
      offset += at;
    }
    this.#at = { segment, offset };
  }

  #growTo(bytes: number, segment: number): void {
    if (bytes <= this.#chunk.length) {
      throw damaged(segmentPath(this.#source.folder, segment));
    }
    this.#chunk = Buffer.allocUnsafeSlow(bytes);
  }

  #read(file: number, offset: number, length: number): Buffer {
    if (this.#chunk.length > chunkBytes && length <= chunkBytes) this.#chunk = Buffer.allocUnsafeSlow(chunkBytes);
    const bytes = this.#chunk.subarray(0, length);
    const read = this.#source.files.read(file, bytes, offset);
    return bytes.subarray(0, read);
  }
}

/** Descriptors of the segments that were read from; closed and opened again as segments come and go. */
export class OpenSegments {
  readonly #source: { readonly files: LogFiles; readonly folder: string };
  readonly #files = new Map<number, number>();

  constructor(source: { readonly files: LogFiles; readonly folder: string }) {
    this.#source = source;
  }

  fileOf(segment: number): number {
    const known = this.#files.get(segment);
    if (known !== undefined) return known;
    if (this.#files.size >= openFilesMax) this.close();
    const { files, folder } = this.#source;
    const file = files.openToRead(segmentPath(folder, segment));
    this.#files.set(segment, file);
    return file;
  }

  /** Memory of its own. */
  read(segment: number, offset: number, bytes: number): Uint8Array {
    const into = new Uint8Array(bytes);
    const read = this.#source.files.read(this.fileOf(segment), into, offset);
    if (read !== bytes) throw damaged(segmentPath(this.#source.folder, segment));
    return into;
  }

  close(): void {
    for (const file of this.#files.values()) this.#source.files.close(file);
    this.#files.clear();
  }
}

const openFilesMax = 64;

/** What a reader needs: who stands where. */
function indexOnly(index: InboxIndex): RecordTarget {
  const nothing = (): void => undefined;
  return {
    message: (record, place) => void index.message(record, place),
    mark: (record) => index.mark(record),
    ack: (inbox, upTo) => index.ack(inbox, upTo),
    trim: (inbox, upTo) => index.trim(inbox, upTo),
    tombstone: (inbox, seq) => index.tombstone(inbox, seq),
    removeInbox: (inbox) => index.removeInbox(inbox),
    inbox: (record) => void index.restore(record),
    standing: (record) => index.standing(record),
    forgetIds: nothing,
    group: nothing,
    groupCommit: nothing,
    removeGroup: nothing,
    removeGroupCommit: nothing,
    id: nothing,
  };
}
