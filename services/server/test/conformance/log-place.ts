/** A folder of its own for each message log under test; its stores are closed and it is gone afterwards. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLogStore, type LogStoreOptions, type Store } from "../../src/store/index.ts";
import { defaultLimits, type Place, type Subject, startMs } from "./subject.ts";

class LogPlace implements Place, AsyncDisposable {
  readonly keeps = true;
  readonly folder: string;
  readonly #opened: Store[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<LogPlace> {
    return new LogPlace(await mkdtemp(join(tmpdir(), "qpq-store-")));
  }

  get file(): string {
    return join(this.folder, "qpq.db");
  }

  async open(options: Partial<LogStoreOptions> = {}): Promise<Store> {
    const store = await openLogStore({ file: this.file, limits: defaultLimits, clock: () => startMs, ...options });
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

export function makeLogPlace(): Promise<LogPlace> {
  return LogPlace.make();
}

export const messageLog: Subject = { name: "the message log", keeps: true, makePlace: () => LogPlace.make() };

/** A few messages fill a segment: checkpoints, removals and moves happen all the time. */
export const smallSegments: Subject = {
  name: "the message log with segments of 4 KiB",
  keeps: true,
  async makePlace() {
    const place = await LogPlace.make();
    return {
      keeps: true,
      file: place.file,
      open: (options) => place.open({ ...options, segmentBytesMax: 4096 }),
      dispose: () => place.dispose(),
    };
  },
};
