/** A folder of its own for each SQLite store under test; its stores are closed and it is gone afterwards. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore, type SqliteStoreOptions, type Store } from "../../src/store/index.ts";
import { defaultLimits, type Place, type Subject, startMs } from "./subject.ts";

export class SqlitePlace implements Place, AsyncDisposable {
  readonly keeps = true;
  readonly folder: string;
  readonly #opened: Store[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<SqlitePlace> {
    return new SqlitePlace(await mkdtemp(join(tmpdir(), "qpq-store-")));
  }

  get file(): string {
    return join(this.folder, "qpq.db");
  }

  async open(options: Partial<SqliteStoreOptions> = {}): Promise<Store> {
    const store = await openSqliteStore({ file: this.file, limits: defaultLimits, clock: () => startMs, ...options });
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

export const sqlite: Subject = { name: "SQLite", keeps: true, makePlace: () => SqlitePlace.make() };
