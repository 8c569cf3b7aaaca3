/**
 * Connection ids of our side: 20 bytes, `server id 8 | worker id 1 | random 11`, so that a load balancer or a sibling
 * worker can route a datagram by its id alone. Without routing the first 9 bytes are random too.
 *
 * One fixed length, because a short header does not tell it (RFC 9000 section 17.3).
 */
import { randomBytes } from "node:crypto";
import { QpqError } from "quicproquo-proto";

/** The longest RFC 9000 allows: 88 random bits stay beside the routing part. */
export const connectionIdBytes = 20;
const serverIdBytes = 8;

export type Routing = {
  /** 8 bytes. */
  readonly serverId: Uint8Array;
  /** 0 to 255. */
  readonly workerId: number;
};

export function checkRouting(routing: Routing): void {
  const { serverId, workerId } = routing;
  if (serverId.length === serverIdBytes && Number.isInteger(workerId) && workerId >= 0 && workerId <= 255) return;
  throw new QpqError("E046_CONFIG", { text: "a server id has 8 bytes and a worker id is 0 to 255" });
}

/** Whose connection an id of ours is; undefined for an id of another server. A client's own random id may seem one. */
export function workerOf(id: Uint8Array, serverId: Uint8Array): number | undefined {
  return Buffer.compare(id.subarray(0, serverIdBytes), serverId) === 0 ? id[serverIdBytes] : undefined;
}

export function mintConnectionId(routing: Routing | undefined): Buffer {
  const id = randomBytes(connectionIdBytes);
  if (routing !== undefined) {
    id.set(routing.serverId, 0);
    id[serverIdBytes] = routing.workerId;
  }
  return id;
}
