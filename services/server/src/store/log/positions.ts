/**
 * How far the log is written, and how far the reading thread has followed: in memory that both threads share. A position
 * is one number, so that nobody ever sees half of it.
 */
import type { Position } from "./recovery.ts";

const written = 0;
const followed = 1;

export class Positions {
  readonly shared: SharedArrayBuffer;
  readonly #cells: BigInt64Array;

  constructor(shared = new SharedArrayBuffer(16)) {
    this.shared = shared;
    this.#cells = new BigInt64Array(shared);
  }

  /** Everything before it is durable. */
  get written(): Position {
    return unpack(Atomics.load(this.#cells, written));
  }

  tellWritten(position: Position): void {
    Atomics.store(this.#cells, written, pack(position));
  }

  /** The reader needs nothing of what was removed before it. */
  hasFollowed(position: Position): boolean {
    return Atomics.load(this.#cells, followed) >= pack(position);
  }

  tellFollowed(position: Position): void {
    Atomics.store(this.#cells, followed, pack(position));
  }
}

function pack({ segment, offset }: Position): bigint {
  return (BigInt(segment) << 32n) | BigInt(offset);
}

function unpack(cell: bigint): Position {
  return { segment: Number(cell >> 32n), offset: Number(cell & 0xffffffffn) };
}
