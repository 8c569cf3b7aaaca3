/** Whole messages from codecs, both halves of a call in the same way. */
import type { MethodCodec } from "quicproquo-proto";
import { MessageBuilder, MessageReader } from "quicproquo-rpc/message";

/** One half of a codec with its types forgotten, so that tests can loop over all. */
export type Half = {
  /** E.g. `enqueue params`. */
  readonly name: string;
  readonly encode: (value: unknown) => { readonly frame: Uint8Array; readonly capTable: readonly unknown[] };
  readonly decode: (frame: Uint8Array, capTable?: readonly unknown[]) => unknown;
};

export function halvesOf(name: string, codec: unknown): { readonly params: Half; readonly results: Half } {
  const { method, encodeParams, decodeParams, encodeResults, decodeResults } = codec as MethodCodec<unknown, unknown>;
  return {
    params: half(`${name} params`, { type: method.params, encode: encodeParams, decode: decodeParams }),
    results: half(`${name} results`, { type: method.results, encode: encodeResults, decode: decodeResults }),
  };
}

type Untyped = MethodCodec<unknown, unknown>;
type Parts = {
  readonly type: Untyped["method"]["params"];
  readonly encode: Untyped["encodeParams"];
  readonly decode: Untyped["decodeParams"];
};

function half(name: string, { type, encode, decode }: Parts): Half {
  return {
    name,
    encode(value) {
      const message = new MessageBuilder();
      encode(value, message.initRoot(type));
      return { frame: message.toFrame(), capTable: message.capTable };
    },
    decode(frame, capTable = []) {
      const message = MessageReader.parse(frame);
      message.capTable = capTable;
      return decode(message.root(type));
    },
  };
}
