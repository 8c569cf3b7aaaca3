/**
 * What is kept in Redis is spread over a fixed number of partitions, and each of them over whatever nodes there are: its
 * name is a hash tag, so that all its keys and its channel lie in one slot of a Redis Cluster (Redis Cluster
 * specification, "Key distribution model").
 */

/** A node of a larger cluster than this bears nothing of ours. */
export const partitionCount = 16;

const slotCount = 16_384;

export type Partition = {
  readonly index: number;
  /** 0 to 16383. */
  readonly slot: number;
  /** Of the wake-ups (wakeups.ts). */
  readonly channel: string;
};

export const partitions: readonly Partition[] = Array.from({ length: partitionCount }, (_, index) => ({
  index,
  slot: slotOf(`${index}`),
  channel: `qpq:wake:{${index}}`,
}));

/** Of a key. */
export function partitionOf(key: string): Partition {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) >>> 0;
  return partitions[hash % partitionCount] as Partition;
}

/** CRC-16/XMODEM of the hash tag, modulo the number of slots. */
export function slotOf(tag: string): number {
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc % slotCount;
}
