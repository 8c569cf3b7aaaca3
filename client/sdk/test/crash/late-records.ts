/**
 * The planted fault "sent before durable": records whose write of a message to send resolves when it is in memory only. It
 * becomes durable with the next write, and is lost with a client that dies before that.
 */
import type { RecordChange, RecordStore } from "quicproquo-core";

export function lateRecords(records: RecordStore): RecordStore {
  let late: readonly RecordChange[] = [];
  const settle = (): Promise<void> => {
    const batch = late;
    late = [];
    return batch.length === 0 ? Promise.resolve() : records.write(batch);
  };
  return {
    async get(id) {
      const found = late.findLast((change) => change.id === id);
      return found === undefined ? records.get(id) : found.bytes;
    },
    async list(folder) {
      await settle();
      return records.list(folder);
    },
    async write(batch) {
      await settle();
      if (batch.some(({ id, bytes }) => id.startsWith("outbox/") && bytes !== undefined)) late = [...batch];
      else await records.write(batch);
    },
    close: () => records.close(),
  };
}
