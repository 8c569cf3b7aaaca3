/** What a listener counts. The names are closed: each becomes a metric. */

const names = [
  "handshakes",
  "handshakesFailed",
  "brokenOff",
  "retries",
  "versionNegotiations",
  "statelessResets",
  "refused",
  "straysOut",
  "straysIn",
  "droppedShort",
  "droppedMalformed",
  "droppedUnknown",
  "droppedToken",
  "droppedLimit",
  "droppedBusy",
] as const;

/**
 * - handshakes, handshakesFailed: ended well, or not (a handshake that met its deadline, or a refused certificate)
 * - brokenOff: ended without a word, by what their peers had said of connection ids (path-ids.ts), or because the library
 *   makes no packet for them any more (wire.ts)
 * - retries, versionNegotiations, statelessResets, refused: answers to datagrams without a connection
 * - straysOut, straysIn: datagrams of another worker handed on to it, and taken from one
 * - droppedShort: too small for what it says it is
 * - droppedMalformed: not a QUIC packet, or a first packet that does not decrypt
 * - droppedUnknown: belongs to no connection and may not begin one
 * - droppedToken: a Retry token of someone else, or an old one
 * - droppedLimit: over a rate limit of answers or strays
 * - droppedBusy: has a Retry token, but this process is busy ending others (admission.ts); it comes again
 */
export type ListenerCounts = { [Name in (typeof names)[number]]: number };

/** Datagrams that came from nobody: all that a stranger can cause here but a handshake. */
export function strangersOf({
  handshakes: _ended,
  handshakesFailed: _failed,
  brokenOff: _broken,
  straysIn: _siblings,
  ...others
}: ListenerCounts): number {
  let sum = 0;
  for (const count of Object.values(others)) sum += count;
  return sum;
}

export function zeroCounts(): ListenerCounts {
  return Object.fromEntries(names.map((name) => [name, 0])) as ListenerCounts;
}
