/**
 * What the hot tail keeps (tail.ts): a stream an inbox and epoch, an entry a message with its seq as id, and one field: when
 * it was enqueued, when its life ends (ms as float64, big endian), the payload.
 */
import type { InboxKey } from "quicproquo-proto";
import type { Append } from "../port.ts";
import type { Partition } from "./partitions.ts";

export type TailEntry = {
  readonly seq: bigint;
  readonly enqueuedAtMs: number;
  readonly expiresAtMs: number;
  readonly payload: Uint8Array;
};

const headBytes = 16;

/** base64url: a brace in it would be another hash tag. */
export function tailName({ index }: Partition, inbox: InboxKey, storeEpoch: bigint): string {
  return `qpq:tail:{${index}}:${storeEpoch}:${Buffer.from(inbox, "latin1").toString("base64url")}`;
}

export function encodeTailEntry({ payload, expiresAtMs }: Append, enqueuedAtMs: number): Buffer {
  const body = Buffer.allocUnsafe(headBytes + payload.length);
  body.writeDoubleBE(enqueuedAtMs, 0);
  body.writeDoubleBE(expiresAtMs, 8);
  body.set(payload, headBytes);
  return body;
}

/** `[id, [field, body]]`, as XREAD has it; undefined when it is none of ours. */
export function decodeTailEntry(entry: unknown): TailEntry | undefined {
  const [id, [, body] = []] = entry as [Buffer, (Buffer | undefined)[]?];
  if (body === undefined || body.length < headBytes) return undefined;
  return {
    seq: BigInt(id.toString("latin1", 0, id.indexOf("-"))),
    enqueuedAtMs: body.readDoubleBE(0),
    expiresAtMs: body.readDoubleBE(8),
    payload: body.subarray(headBytes),
  };
}
