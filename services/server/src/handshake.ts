/** What calls must know of a connection's handshake (calls/early-data.ts), from the transport's side. */
import { QpqError } from "quicproquo-proto";
import type { Connection } from "quicproquo-transport";
import { type Handshake, handshakeDone } from "./calls/early-data.ts";

/** To be called when the connection is accepted: sets its onEstablished and onClose. */
export function handshakeOf(connection: Connection): Handshake {
  if (!connection.inEarlyData) return handshakeDone;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined); // calls that wait for it are told
  connection.onEstablished = resolve;
  connection.onClose = () => reject(new QpqError("E042_CONNECTION_LOST"));
  return { isEarly: () => connection.inEarlyData, done: () => promise };
}
