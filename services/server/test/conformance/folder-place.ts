/** A folder of its own for each embedded store under test; its stores are closed and it is gone afterwards. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogStoreOptions, openLogStore, openSqliteStore, type Store } from "../../src/store/index.ts";
import { defaultLimits, type Place, type Subject, startMs } from "./subject.ts";

type Open = (options: LogStoreOptions) => Promise<Store>;

export class FolderPlace implements Place, AsyncDisposable {
  readonly keeps = true;
  readonly folder: string;
  readonly #open: Open;
  readonly #opened: Store[] = [];

  private constructor(folder: string, open: Open) {
    this.folder = folder;
    this.#open = open;
  }

  static async make(open: Open): Promise<FolderPlace> {
    return new FolderPlace(await mkdtemp(join(tmpdir(), "qpq-store-")), open);
  }

  get file(): string {
    return join(this.folder, "qpq.db");
  }

  async open(options: Partial<LogStoreOptions> = {}): Promise<Store> {
    const store = await this.#open({ file: this.file, limits: defaultLimits, clock: () => startMs, ...options });
    this.#opened.push(store);
    return store;
  }

  async dispose(): Promise<void> {
    for (const store of this.#opened) await store.close();
    await rm(this.folder, { recursive: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

export const makeLogPlace = () => FolderPlace.make(openLogStore);
export const makeSqlitePlace = () => FolderPlace.make(openSqliteStore);

export const sqlite: Subject = { name: "SQLite", keeps: true, makePlace: makeSqlitePlace };
export const messageLog: Subject = { name: "the message log", keeps: true, makePlace: makeLogPlace };
/** A few messages fill a segment: checkpoints, removals and moves happen all the time. */
export const smallSegments: Subject = {
  name: "the message log with segments of 4 KiB",
  keeps: true,
  makePlace: () => FolderPlace.make((options) => openLogStore({ ...options, segmentBytesMax: 4096 })),
};
