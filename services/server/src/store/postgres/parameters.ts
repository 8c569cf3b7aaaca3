/**
 * Parameters in Postgres's binary format: an array crosses as one buffer, without the quoting and the doubled bytes of
 * the text format. What comes back is text, because the driver reads no binary results.
 *
 * An array (array_recv in the server): int32 dimensions, int32 has nulls, int32 element type; a dimension's int32 length
 * and int32 lower bound; then each element as int32 length (-1 = null) and its bytes. All big-endian.
 */
import type { InboxKey } from "quicproquo-proto";
import { wholeMs } from "../packing/codec.ts";

/** pg_type.oid */
const oids = { bytea: 17, int8: 20, int4: 23, uuid: 2950 } as const;
const int8Max = 2n ** 63n - 1n;

/** Strings are latin1, one character a byte. */
export function byteaArray(items: readonly (Uint8Array | InboxKey | null)[]): Buffer {
  let bytes = 0;
  for (const item of items) bytes += item?.length ?? 0;
  const array = new ArrayWriter(oids.bytea, items.length, bytes);
  for (const item of items) {
    if (item === null) array.null();
    else if (typeof item === "string") array.latin1(item);
    else array.bytes(item);
  }
  return array.buffer;
}

/** 16 bytes each. */
export function uuidArray(items: readonly Uint8Array[]): Buffer {
  const array = new ArrayWriter(oids.uuid, items.length, 16 * items.length);
  for (const item of items) array.bytes(item);
  return array.buffer;
}

export function int4Array(items: readonly (number | null)[]): Buffer {
  const array = new ArrayWriter(oids.int4, items.length, 4 * items.length);
  for (const item of items) {
    if (item === null) array.null();
    else array.int4(item);
  }
  return array.buffer;
}

/** Beyond int8 the largest one: no seq, epoch or time comes near it. */
export function int8Array(items: readonly (bigint | number | null)[]): Buffer {
  const array = new ArrayWriter(oids.int8, items.length, 8 * items.length);
  for (const item of items) {
    if (item === null) array.null();
    else array.int8(item);
  }
  return array.buffer;
}

/** `{1,-2}`, without nulls. */
export function numbersOf(text: string): number[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(Number);
}

/** bytea_output = hex: `\x0a...`. Memory of its own: it belongs to the receiver. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array((text.length - 2) / 2);
  Buffer.from(bytes.buffer).write(text.slice(2), "hex");
  return bytes;
}

class ArrayWriter {
  readonly #buffer: Buffer;
  #at = 20;

  /** `bytes`: of all elements together, at most. */
  constructor(oid: number, length: number, bytes: number) {
    // from the pool if small: it is written out and dropped at once
    this.#buffer = Buffer.allocUnsafe(20 + 4 * length + bytes);
    this.#buffer.writeInt32BE(1, 0);
    this.#buffer.writeInt32BE(0, 4);
    this.#buffer.writeInt32BE(oid, 8);
    this.#buffer.writeInt32BE(length, 12);
    this.#buffer.writeInt32BE(1, 16);
  }

  get buffer(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  null(): void {
    this.#buffer.writeInt32BE(1, 4);
    this.#length(-1);
  }

  bytes(value: Uint8Array): void {
    this.#length(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  latin1(value: string): void {
    this.#length(value.length);
    this.#at += this.#buffer.write(value, this.#at, "latin1");
  }

  int4(value: number): void {
    this.#length(4);
    this.#at = this.#buffer.writeInt32BE(value, this.#at);
  }

  int8(value: bigint | number): void {
    this.#length(8);
    const whole = typeof value === "bigint" ? value : BigInt(wholeMs(value));
    this.#at = this.#buffer.writeBigInt64BE(whole > int8Max ? int8Max : whole, this.#at);
  }

  #length(bytes: number): void {
    this.#at = this.#buffer.writeInt32BE(bytes, this.#at);
  }
}
