/** protobufjs with static code for schemas/bench.proto; it frames nothing. A buffer of Node's is what it decodes quickest. */
import type { EnqueueParams } from "quicproquo-proto";
import { quicproquo } from "./bench-proto.js";
import type { MeasuredEncoding } from "./measured-encoding.ts";

const { EnqueueRequest } = quicproquo.bench;

export const protobufjs: MeasuredEncoding = {
  encode: (message) => EnqueueRequest.encode(message).finish(),
  // of its prototype's defaults an absent field is read, so this is a whole EnqueueParams
  decode: (bytes) => EnqueueRequest.decode(bytes) as EnqueueParams,
};
