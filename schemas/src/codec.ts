/**
 * What a row of the codec tables is. A codec turns plain readonly values into fields of a message and back; it decides
 * nothing about them: ids are parsed into branded types by whoever takes the call.
 *
 * Numbers are as on the wire: UInt64 is bigint. Data fields of what is decoded are views into the frame: copy what is kept.
 */
import type { ListReader, Method, StructBuilder, StructReader } from "quicproquo-rpc/message";
import { type ErrorCode, QpqError } from "./errors.ts";

/** P and R: plain parameters and results. The others are the generated readers and builders of both. */
export type MethodCodec<P, R, PR = StructReader, PB = StructBuilder, RR = StructReader, RB = StructBuilder> = {
  readonly method: Method<PR, PB, RR, RB>;
  readonly encodeParams: (params: P, builder: PB) => void;
  /** Throws MessageError for a malformed message, QpqError for a list beyond its limit. */
  readonly decodeParams: (reader: PR) => P;
  readonly encodeResults: (results: R, builder: RB) => void;
  readonly decodeResults: (reader: RR) => R;
};

/** Gives a row its precise type: all six parameters follow from the method and from P and R of the functions. */
export function methodCodec<P, R, PR, PB, RR, RB>(
  codec: MethodCodec<P, R, PR, PB, RR, RB>,
): MethodCodec<P, R, PR, PB, RR, RB> {
  return codec;
}

/** Parameters or results without a field. */
export type Nothing = Readonly<Record<never, never>>;
const nothing: Nothing = Object.freeze({});

export function encodeNothing(): void {}

export function decodeNothing(): Nothing {
  return nothing;
}

/** A list's length is looked at before anything is made for its elements. */
export function decodeList<T, U>(
  list: ListReader<T>,
  limit: { readonly max: number; readonly code?: ErrorCode },
  decode: (element: T) => U,
): U[] {
  const { length } = list;
  if (length > limit.max) {
    throw new QpqError(limit.code ?? "E001_BAD_REQUEST", {
      text: "a list has too many elements",
      fields: { length, max: limit.max },
    });
  }
  const values = new Array<U>(length);
  for (let index = 0; index < length; index++) values[index] = decode(list.get(index));
  return values;
}

/** For lists whose elements are decoded by being read. */
export function asItIs<T>(element: T): T {
  return element;
}

/** Both kinds of list builder whose elements are set whole. */
export function encodeList<T>(list: { set(index: number, value: T): void }, values: readonly T[]): void {
  for (let index = 0; index < values.length; index++) list.set(index, values[index] as T);
}
