/** One outgoing message, written in place into one growing segment. Each value is copied once: into its place on the wire. */
import { BuilderArena, headerBytes } from "./builder-arena.ts";
import { defaultMessageLimits } from "./limits.ts";
import { writeUint32 } from "./numbers.ts";
import { PointerBuilder, type StructBuilder } from "./struct-builder.ts";
import type { StructType } from "./struct-type.ts";

export type MessageBuilderOptions = {
  /** Bytes to begin with, when the size is about known: growing copies what is there. */
  readonly firstBytes?: number;
  /** Beyond it, setters throw MessageError tooLarge. */
  readonly messageBytesMax?: number;
};

// Holds a 240-byte message in its RPC call without growing.
const firstBytesDefault = 512;

export class MessageBuilder {
  readonly #arena: BuilderArena;

  constructor(options: MessageBuilderOptions = {}) {
    const bytesMax = options.messageBytesMax ?? defaultMessageLimits.messageBytesMax;
    const firstBytes = Math.min(options.firstBytes ?? firstBytesDefault, bytesMax);
    this.#arena = new BuilderArena(Math.max(headerBytes + 8, (firstBytes + 7) & ~7), bytesMax);
  }

  /** What setCapability was given, in order. The RPC layer turns it into descriptors. */
  get capTable(): unknown[] {
    return this.#arena.capTable;
  }

  initRootStruct(dataWords: number, pointerWords: number): StructBuilder {
    return this.rootPointer.initStructRaw(dataWords, pointerWords);
  }

  initRoot<B>(type: StructType<unknown, B>): B {
    return this.rootPointer.initStruct(type);
  }

  get rootPointer(): PointerBuilder {
    return new PointerBuilder(this.#arena, headerBytes);
  }

  /** Of the frame as it stands now, segment table included. */
  get byteLength(): number {
    return this.#arena.usedBytes;
  }

  /** For who keeps the message: it shares no memory with others any more. */
  detach(): void {
    this.#arena.detach();
  }

  /**
   * Segment table and segment, ready for the wire. A view, not a copy: build nothing more while it is in use, and do not
   * transfer its buffer, which other messages share.
   */
  toFrame(): Uint8Array {
    const arena = this.#arena;
    writeUint32(arena.bytes, 4, (arena.usedBytes - headerBytes) / 8); // the count before it is 0: one segment
    return new Uint8Array(arena.bytes.buffer, arena.bytes.byteOffset, arena.usedBytes);
  }
}
