/**
 * The largest datagram to a peer. The binding cannot discover a path's MTU, but between two programs of one machine it is
 * known. 256 callers of an enqueue of 512 B on 8 connections, by turns, with 9,000 B instead of 1,232: CPU of the client
 * 0.69, of the server with its store 0.80. TCP does the same there, with segments of 64 KB.
 */
import type { HostPort } from "./native.ts";
import type { QuicLimits } from "./quic-limits.ts";

/** What is sent before the handshake is over is 1,200 B or less, whatever this says. */
export function datagramBytesTo({ host }: HostPort, limits: QuicLimits): number {
  return isLoopback(host) ? limits.loopbackDatagramBytes : limits.datagramBytes;
}

/** RFC 1122 section 3.2.1.3 (g), RFC 4291 section 2.5.3; also as a socket of both families has it. */
function isLoopback(host: string): boolean {
  return host === "::1" || /^(?:::ffff:)?127\./i.test(host);
}
