/** One of messageKinds in both encodings: ours with its frame and validation, its twin by protobufjs, which frames nothing. */
import { MessageBuilder, MessageReader } from "quicproquo-rpc/message";
import { quicproquo } from "./bench-proto.js";
import type { MessageKind } from "./message-kinds.ts";

export type KindEncoding = {
  /** Of the value of the kind. */
  readonly encode: () => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
};

export function ourEncoding({ codec, side, value }: MessageKind): KindEncoding {
  const { method, encodeParams, encodeResults, decodeParams, decodeResults } = codec;
  const [type, encode, decode] =
    side === "params" ? [method.params, encodeParams, decodeParams] : [method.results, encodeResults, decodeResults];
  return {
    encode() {
      const message = new MessageBuilder();
      encode(value, message.initRoot(type));
      return message.toFrame();
    },
    decode: (bytes) => decode(MessageReader.parse(bytes).root(type)),
  };
}

export function protobufEncoding({ value, twin }: MessageKind): KindEncoding {
  const type = quicproquo.bench[twin];
  // not timed: an application that spoke Protobuf would have these values from the beginning
  const message = asProtobuf(value) as object;
  return { encode: () => type.encode(message).finish(), decode: (bytes) => type.decode(bytes) };
}

const gapKinds: readonly unknown[] = ["none", "expired", "overflow", "epochReset"];

/** The same fields with the types of protobufjs' static code: numbers for uint64 and for enums. */
export function asProtobuf(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string") return gapKinds.indexOf(value);
  if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(asProtobuf);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, asProtobuf(each)]));
}
