/** What a call came to, for tables of expectations. */
import { QpqError } from "quicproquo-proto";
import { RpcError } from "quicproquo-rpc";

/** "accepted", or the code it was refused by; what has no code is thrown on. */
export async function codeOf(call: PromiseLike<unknown>): Promise<string> {
  try {
    await call;
    return "accepted";
  } catch (error) {
    const told = error instanceof RpcError ? (QpqError.fromReason(error.reason) ?? error) : error;
    if (told instanceof QpqError) return told.code;
    throw told;
  }
}
