/** A made-up person's records, for the life of a load: nothing of it has to survive, so nothing is written. */
import type { RecordChange, RecordEntry, RecordId, RecordStore } from "quicproquo-core";

export class MemoryRecords implements RecordStore {
  readonly #records = new Map<RecordId, Uint8Array>();

  async get(id: RecordId): Promise<Uint8Array | undefined> {
    return this.#records.get(id)?.slice();
  }

  async list(folder: string): Promise<readonly RecordEntry[]> {
    return [...this.#records]
      .filter(([id]) => id.slice(0, id.lastIndexOf("/")) === folder)
      .map(([id, bytes]) => ({ id, bytes: bytes.slice() }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async write(batch: readonly RecordChange[]): Promise<void> {
    for (const { id, bytes } of batch) {
      if (bytes === undefined) this.#records.delete(id);
      else this.#records.set(id, bytes.slice());
    }
  }

  async close(): Promise<void> {}
}
