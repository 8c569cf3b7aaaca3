/**
 * One incoming message. `parse` checks all of it before anybody reads a field; what it answers is immutable, as long as
 * nobody writes into the frame.
 */
import { Arena } from "./arena.ts";
import { frameBytesOf } from "./frame.ts";
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
  static parse(frame: Uint8Array, limits: MessageLimits = defaultMessageLimits): MessageReader {
    const frameBytes = frameBytesOf(frame, 0, limits);
    if (frameBytes < 0 || frameBytes > frame.length) throw new MessageError("truncated", "the message is cut off");
    if (frameBytes < frame.length) throw new MessageError("outOfBounds", "bytes stand behind the message");
    const arena = new Arena(frame);
    validate(arena, limits);
    return new MessageReader(arena);
  }

  /** What capability pointers index into. The RPC layer sets it before it hands the message on. */
  get capTable(): readonly unknown[] {
    return this.#arena.capTable;
  }

  set capTable(table: readonly unknown[]) {
    this.#arena.capTable = table;
  }

  /** For who keeps the message: see Arena. */
  detach(): void {
    this.#arena.detach();
  }

  /** Throws badPointer when the root is not a struct. */
  get rootStruct(): StructReader {
    return readStruct(this.#arena, this.#arena.rootAt, StructReader);
  }

  root<R>(type: ReaderType<R>): R {
    return readStruct(this.#arena, this.#arena.rootAt, type.Reader);
  }

  /** The root of whatever kind. */
  get rootPointer(): PointerReader {
    return new PointerReader(this.#arena, this.#arena.rootAt);
  }

  get byteLength(): number {
    return this.#arena.bytes.length;
  }
}
