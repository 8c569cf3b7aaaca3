/**
 * What a client keeps of a connection to resume it: opaque bytes, `version 1 | seal 32 | the library's session`.
 *
 * The seal is a hash over the session and over what the server was checked against (trust, server name, ALPN). A resumed
 * handshake sends no certificate, and early data goes out before any answer: so a session is only as good as the check
 * that was made when it began, and one that was made against something else counts as none. So does a damaged one, which
 * the server would answer with a TLS alert.
 *
 * Holds the resumption secret: to be stored like a key. A session may be used more than once, but whoever watches the
 * network then sees that it is the same client (RFC 8446 appendix C.4): the newest is the one to keep.
 */
import { createHash } from "node:crypto";

const version = 1;
const nativeAt = 1 + 32;
/** A session holds the server's certificate chain; more is not ours. */
const sessionBytesMax = 64 * 1024;

/** What the server was checked against. */
export type CheckedAgainst = readonly (string | Uint8Array)[];

export function sealSession(against: CheckedAgainst, native: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([version]), sealOf(against, native), native]);
}

/** The library's session; undefined for one that was checked against something else, and for bytes that are none. */
export function openSession(against: CheckedAgainst, session: Uint8Array): Uint8Array | undefined {
  if (session.length <= nativeAt || session.length > sessionBytesMax || session[0] !== version) return undefined;
  const native = session.subarray(nativeAt);
  return sealOf(against, native).equals(session.subarray(1, nativeAt)) ? native : undefined;
}

/** The parts are told apart by their lengths. */
function sealOf(against: CheckedAgainst, native: Uint8Array): Buffer {
  const hash = createHash("sha256");
  for (const part of [...against, native]) {
    const bytes = Buffer.from(part);
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest();
}
