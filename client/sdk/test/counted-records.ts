/** Records that count what is written to them. */
import type { RecordStore } from "quicproquo-core";

export type WriteCount = { writes: number; bytes: number };

export function counted(records: RecordStore, count: WriteCount): RecordStore {
  return {
    get: (id) => records.get(id),
    list: (folder) => records.list(folder),
    write(batch) {
      count.writes++;
      for (const { bytes } of batch) count.bytes += bytes?.length ?? 0;
      return records.write(batch);
    },
    close: () => records.close(),
  };
}
