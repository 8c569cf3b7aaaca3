/** What the parts of one session (tables, calls, embargoes) have in common. */
import type { RpcError } from "./rpc-error.ts";
import type { RpcLimits } from "./rpc-limits.ts";

export interface SessionLink {
  readonly limits: RpcLimits;
  /** Set when the session is over: nothing is sent or accepted any more. */
  dead(): RpcError | undefined;
  /** Sends one frame after those before it; ignored when the session is over. The frame is not changed afterwards. */
  send(frame: Uint8Array): void;
  /** Bytes that wait because the peer does not read. */
  outBytes(): number;
  /** Tells the application what one of its callbacks threw. Never throws. */
  readonly report: (error: unknown) => void;
}
