/**
 * Writes and reads the flat byte layout that crosses between the server's own threads and processes. Both ends are the
 * same build of the same program, so nothing is versioned. Reading beyond the end throws RangeError.
 */

/** Grows by doubling; {@link ByteWriter.finish} gives the memory away. */
export class ByteWriter {
  #bytes: Buffer<ArrayBuffer>;
  #view: DataView;
  #at = 0;

  constructor(capacityBytes: number) {
    this.#bytes = Buffer.from(new ArrayBuffer(capacityBytes));
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#at;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** Overwrites four bytes written before. */
  patchU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  u64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.#at, value, true);
    this.#at += 8;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  /** One byte a character; at most 255. */
  latin1(text: string): void {
    this.u8(text.length);
    this.#reserve(text.length);
    this.#bytes.write(text, this.#at, "latin1");
    this.#at += text.length;
  }

  blob(value: Uint8Array): void {
    this.u32(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  optionalBlob(value: Uint8Array | undefined): void {
    this.u8(value === undefined ? 0 : 1);
    if (value !== undefined) this.blob(value);
  }

  /** The memory written so far (it may be longer than `length`), to be transferred; the writer is empty afterwards. */
  finish(): ArrayBuffer {
    const buffer = this.#bytes.buffer;
    this.#bytes = Buffer.from(new ArrayBuffer(0));
    this.#view = new DataView(this.#bytes.buffer);
    this.#at = 0;
    return buffer;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const capacityBytes = Math.max(1024, this.#bytes.length * 2, this.#at + bytes);
    this.#bytes = Buffer.from(this.#bytes.buffer.transfer(capacityBytes));
    this.#view = new DataView(this.#bytes.buffer);
  }
}

/** Blobs it hands out are views of the buffer it was given. */
export class ByteReader {
  readonly #bytes: Buffer<ArrayBuffer>;
  readonly #view: DataView;
  #at = 0;

  constructor(buffer: ArrayBuffer) {
    this.#bytes = Buffer.from(buffer);
    this.#view = new DataView(buffer);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  u8(): number {
    const value = this.#view.getUint8(this.#at);
    this.#at += 1;
    return value;
  }

  u32(): number {
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  u64(): bigint {
    const value = this.#view.getBigUint64(this.#at, true);
    this.#at += 8;
    return value;
  }

  f64(): number {
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  latin1(): string {
    const length = this.u8();
    if (this.#at + length > this.#bytes.length) throw new RangeError("beyond the end");
    const text = this.#bytes.toString("latin1", this.#at, this.#at + length);
    this.#at += length;
    return text;
  }

  /** A plain Uint8Array, not a Buffer: what the ports promise. */
  blob(): Uint8Array {
    const length = this.u32();
    const value = new Uint8Array(this.#bytes.buffer, this.#at, length);
    this.#at += length;
    return value;
  }

  optionalBlob(): Uint8Array | undefined {
    return this.u8() === 0 ? undefined : this.blob();
  }
}
