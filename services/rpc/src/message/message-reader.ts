/**
 * One incoming message. `parse` checks all of it before anybody reads a field; what it answers is immutable, as long as
 * nobody writes into the frame.
 */
import { Arena } from "./arena.ts";
import { frameBytesOf, headerBytesOf } from "./frame.ts";
import { defaultMessageLimits, type MessageLimits } from "./limits.ts";
import { MessageError } from "./message-error.ts";
import { readStruct } from "./read-pointer.ts";
import { PointerReader, StructReader } from "./struct-reader.ts";
import type { ReaderType } from "./struct-type.ts";
import { validate } from "./validate.ts";

export class MessageReader {
  readonly #arena: Arena;

  private constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** `frame` is exactly one message with its segment table, and is not copied. Throws MessageError. */
  static parse(frame: Uint8Array, limits?: Partial<MessageLimits>): MessageReader {
    const all = limits === undefined ? defaultMessageLimits : { ...defaultMessageLimits, ...limits };
    const frameBytes = frameBytesOf(frame, 0, all);
    if (frameBytes < 0 || frameBytes > frame.length) throw new MessageError("truncated", "the message is cut off");
    if (frameBytes < frame.length) throw new MessageError("outOfBounds", "bytes stand behind the message");
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const arena = new Arena(frame, view, segmentStartsOf(view));
    validate(arena, all);
    return new MessageReader(arena);
  }

  /** What capability pointers index into. The RPC layer sets it before it hands the message on. */
  get capTable(): readonly unknown[] {
    return this.#arena.capTable;
  }

  set capTable(table: readonly unknown[]) {
    this.#arena.capTable = table;
  }

  /** Throws badPointer when the root is not a struct. */
  get rootStruct(): StructReader {
    return readStruct(this.#arena, this.#rootAt(), StructReader);
  }

  root<R>(type: ReaderType<R>): R {
    return readStruct(this.#arena, this.#rootAt(), type.Reader);
  }

  /** The root of whatever kind. */
  get rootPointer(): PointerReader {
    return new PointerReader(this.#arena, this.#rootAt());
  }

  get byteLength(): number {
    return this.#arena.bytes.length;
  }

  #rootAt(): number {
    return this.#arena.segmentStarts[0] as number;
  }
}

function segmentStartsOf(view: DataView): readonly number[] {
  const segments = view.getUint32(0, true) + 1;
  const starts = [headerBytesOf(segments)];
  let end = starts[0] as number;
  for (let segment = 0; segment < segments; segment++) {
    end += view.getUint32(4 + 4 * segment, true) * 8;
    starts.push(end);
  }
  if (starts[1] === starts[0]) throw new MessageError("truncated", "the message has no root pointer");
  return starts;
}
