/** Shapes of values, each with what writes and reads it: a packed call is put together from them. */
import type { IdentityKey } from "quicproquo-proto";
import type { ByteReader, ByteWriter } from "../../ipc/bytes.ts";
import { type CallName, type Calls, type Codec, readList, requestBytes, wholeMs } from "./codec.ts";

export type Shape<T> = {
  /** About how many bytes it takes beyond a few. */
  bytesOf(value: T): number;
  write(writer: ByteWriter, value: T): void;
  read(reader: ByteReader): T;
};

export const bytes: Shape<Uint8Array> = {
  bytesOf: (value) => value.length,
  write: (writer, value) => writer.blob(value),
  read: (reader) => reader.blob(),
};
export const identity = bytes as Shape<Uint8Array> as Shape<IdentityKey>;
export const text: Shape<string> = {
  bytesOf: (value) => value.length,
  write: (writer, value) => writer.blob(Buffer.from(value)),
  read: (reader) => Buffer.from(reader.blob()).toString(),
};
export const number: Shape<number> = {
  bytesOf: () => 0,
  write: (writer, value) => writer.f64(value),
  read: (reader) => reader.f64(),
};
export const timeMs: Shape<number> = { ...number, write: (writer, value) => writer.f64(wholeMs(value)) };
export const flag: Shape<boolean> = {
  bytesOf: () => 0,
  write: (writer, value) => writer.u8(value ? 1 : 0),
  read: (reader) => reader.u8() === 1,
};
export const nothing: Shape<void> = { bytesOf: () => 0, write: () => undefined, read: () => undefined };

export function oneOf<const T extends string>(...words: readonly T[]): Shape<T> {
  return {
    bytesOf: () => 0,
    write: (writer, value) => writer.u8(words.indexOf(value)),
    read(reader) {
      const word = words[reader.u8()];
      if (word === undefined) throw new RangeError("no such word");
      return word;
    },
  };
}

export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return {
    bytesOf: (value) => (value === undefined ? 0 : shape.bytesOf(value)),
    write(writer, value) {
      writer.u8(value === undefined ? 0 : 1);
      if (value !== undefined) shape.write(writer, value);
    },
    read: (reader) => (reader.u8() === 0 ? undefined : shape.read(reader)),
  };
}

/** As `optional`, but what is missing takes as many bytes and as much work: `standIn` is packed in its place. */
export function evenly<T>(shape: Shape<T>, standIn: T): Shape<T | undefined> {
  return {
    bytesOf: (value) => shape.bytesOf(value ?? standIn),
    write(writer, value) {
      writer.u8(value === undefined ? 0 : 1);
      shape.write(writer, value ?? standIn);
    },
    read(reader) {
      const isThere = reader.u8() === 1;
      const value = shape.read(reader);
      return isThere ? value : undefined;
    },
  };
}

export function list<T>(shape: Shape<T>): Shape<readonly T[]> {
  return {
    bytesOf: (values) => values.reduce((sum, value) => sum + 8 + shape.bytesOf(value), 0),
    write(writer, values) {
      writer.u32(values.length);
      for (const value of values) shape.write(writer, value);
    },
    read: (reader) => readList(reader, () => shape.read(reader)),
  };
}

export function pair<T>(shape: Shape<T>): Shape<readonly [T, T]> {
  return {
    bytesOf: ([one, other]) => shape.bytesOf(one) + shape.bytesOf(other),
    write(writer, values) {
      for (const value of values) shape.write(writer, value);
    },
    read: (reader) => [shape.read(reader), shape.read(reader)],
  };
}

export function record<T extends object>(fields: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> {
  const names = Object.keys(fields) as (keyof T)[];
  return {
    bytesOf: (value) => names.reduce((sum, name) => sum + fields[name].bytesOf(value[name]), 0),
    write(writer, value) {
      for (const name of names) fields[name].write(writer, value[name]);
    },
    read: (reader) => Object.fromEntries(names.map((name) => [name, fields[name].read(reader)])) as T,
  };
}

export function call<N extends CallName>(
  request: Shape<Calls[N]["request"]>,
  answer: Shape<Calls[N]["answer"]>,
  /** Of a large answer: what it may take. */
  answerBytes = 0,
): Codec<N> {
  return {
    bytesOf: (value) => requestBytes + answerBytes + request.bytesOf(value),
    writeRequest: (writer, value) => request.write(writer, value),
    readRequest: (reader) => request.read(reader),
    writeAnswer: (writer, value) => answer.write(writer, value),
    readAnswer: (reader) => answer.read(reader),
  };
}
