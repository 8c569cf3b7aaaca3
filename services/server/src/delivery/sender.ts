/** Who sends: what limits count by, and what block lists name. */
import type { IdentityKey } from "quicproquo-proto";

export type Sender = {
  /** 32 bytes that name it in message ids; all zero for the static token, which is everybody's (access.ts, Caller.sender). */
  readonly key: Uint8Array;
  /** undefined: the static token, or who doesn't say who it is. */
  readonly account: IdentityKey | undefined;
  /** Where it sends from (network.ts). */
  readonly network: string;
};
