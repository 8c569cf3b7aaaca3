/** Cap'n Proto two-party RPC (rpc.capnp, level 1) over any byte stream. Pure: no socket, no clock, nothing Node specific. */
export type { RpcByteStream } from "./byte-stream.ts";
export { Answer, type CallSettings, Capability } from "./capability.ts";
export { serve } from "./local-target.ts";
export { MethodTable } from "./method-table.ts";
export { type ExceptionType, RpcError, type RpcException } from "./rpc-error.ts";
export { defaultRpcLimits, type RpcLimits } from "./rpc-limits.ts";
export {
  type AbortListener,
  type CallFinished,
  type CapabilityServer,
  endsLater,
  type IncomingCall,
} from "./served-call.ts";
export { type RpcCounts, RpcSession } from "./session.ts";
export type { RpcSessionOptions } from "./session-options.ts";
