/** Says why a connection ended, in the port's words, where it was an application that closed it. Pure. */
import { QpqError } from "quicproquo-proto";
import type { ConnectionClosed } from "./port.ts";

export function closedHere(code: number, reason: string): ConnectionClosed & { readonly code: number } {
  return { code, reason, byPeer: false, error: applicationError(code, "the connection was closed on this side") };
}

export function closedByPeer(code: number, reason: string): ConnectionClosed & { readonly code: number } {
  return { code, reason, byPeer: true, error: applicationError(code, "the peer closed the connection") };
}

const reasonLengthMax = 200;

/** A reason goes into logs: printable ASCII only, and short. */
export function printable(reason: string): string {
  return reason.slice(0, reasonLengthMax).replace(/[^\x20-\x7e]/g, "?");
}

function applicationError(code: number, text: string): QpqError | undefined {
  return code === 0 ? undefined : new QpqError("E042_CONNECTION_LOST", { text, fields: { closeCode: code } });
}
