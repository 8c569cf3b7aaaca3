/**
 * Our codec as the server and the client use it: encode includes the frame's segment table, decode includes checking it
 * and the validation of the whole message.
 */
import { type EnqueueParams, methodCodecs } from "quicproquo-proto";
import { MessageBuilder, MessageReader } from "quicproquo-rpc/message";
import type { MeasuredEncoding } from "./measured-encoding.ts";

const { method, encodeParams, decodeParams } = methodCodecs.enqueue;

export const ours: MeasuredEncoding = {
  encode(message: EnqueueParams) {
    const builder = new MessageBuilder();
    encodeParams(message, builder.initRoot(method.params));
    return builder.toFrame();
  },
  decode: (bytes) => decodeParams(MessageReader.parse(bytes).root(method.params)),
};
