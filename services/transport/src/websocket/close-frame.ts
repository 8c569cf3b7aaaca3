/**
 * The port's close codes as status codes of a WebSocket Close frame (RFC 6455 section 7.4.2: 4000 to 4999 are private).
 * 4000 + code = the connection was closed; 4500 + code = its stream was reset, which ends the connection too.
 */

const closedBase = 4_000;
const resetBase = 4_500;
const privateEnd = 5_000;
/** What a peer closes with that has no codes of ours. */
const normalClosure = 1_000;

/** A Close frame's reason has at most 123 bytes (RFC 6455 section 5.5): less than over QUIC. */
export const reasonBytesMax = 123;

export const closedStatus = (code: number): number => closedBase + code;
export const resetStatus = (code: number): number => resetBase + code;

/** undefined for the statuses of the protocol itself, e.g. 1002 and 1006. */
export function readStatus(status: number): { readonly what: "closed" | "reset"; readonly code: number } | undefined {
  if (status === normalClosure) return { what: "closed", code: 0 };
  if (status < closedBase || status >= privateEnd) return undefined;
  if (status < resetBase) return { what: "closed", code: status - closedBase };
  return { what: "reset", code: status - resetBase };
}
