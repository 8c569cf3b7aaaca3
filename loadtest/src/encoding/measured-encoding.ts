/** What is measured of an encoding, and on which message: the same logical fields for all. */
import type { EnqueueParams } from "quicproquo-proto";

export type MeasuredEncoding = {
  /** The bytes of one message, from plain values. */
  readonly encode: (message: EnqueueParams) => Uint8Array;
  /** Plain values again, from bytes of `encode`. Data may be views into the bytes. */
  readonly decode: (bytes: Uint8Array) => EnqueueParams;
};

/** Bytes of an enqueue without its payload, as a Cap'n Proto frame. */
const fixedBytes = 168;

/** The parameters of an enqueue to a default inbox that are frameBytes (a multiple of 8) long as a Cap'n Proto frame. */
export function enqueueOf(frameBytes: number): EnqueueParams {
  const bytes = (length: number, first: number): Uint8Array => Uint8Array.from({ length }, (_, i) => first + i);
  return {
    recipientKey: bytes(32, 0x40),
    payload: bytes(frameBytes - fixedBytes, 0x01),
    channelId: new Uint8Array(),
    version: 1,
    auth: { version: 1, accessToken: bytes(32, 0x20), deviceId: new Uint8Array() },
    ttlSecs: 3_600,
    idempotencyKey: bytes(16, 0x80),
  };
}
