/**
 * The one file that imports the QUIC library: the native binding of quiche 0.18 in @matrixai/quic.
 *
 * Only the binding, never the package's JavaScript classes: one spoofed datagram ends their server's process, and they
 * cost ten times the CPU (design/quic.md). Every call into the binding may throw, so every caller wraps it.
 */
import quiche from "@matrixai/quic/native/quiche.js";
import type {
  Config as NativeConfig,
  Connection as NativeConnection,
  ConnectionError as NativeError,
} from "@matrixai/quic/native/types.js";

export { quiche };
export type { NativeConfig, NativeConnection, NativeError };

/** An address as the binding wants it: a numeric host without a zone. */
export type HostPort = { readonly host: string; readonly port: number };

/** RFC 9000 section 14.1: a client's Initial comes in a datagram of at least this size. */
export const initialDatagramBytesMin = 1200;
