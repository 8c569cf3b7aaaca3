/** The owner's end of a store over IPC in a folder of its own: it can be taken away and put back, and it can be slow. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectStore, createMemoryStore, type ServedStore, serveStore, type Store } from "../../src/store/index.ts";
import type { StoreLimits } from "../../src/store/port.ts";
import { defaultLimits, startMs } from "../conformance/subject.ts";

export class Owner implements AsyncDisposable {
  readonly path: string;
  readonly store: Store;
  readonly #folder: string;
  readonly #frontEnds: Store[] = [];
  #served: ServedStore | undefined;

  private constructor(folder: string, store: Store) {
    this.#folder = folder;
    this.path = join(folder, "store.sock");
    this.store = store;
  }

  /** `wrap`: what stands between the socket and a reference store. */
  static async start(options: { limits?: Partial<StoreLimits>; wrap?: (store: Store) => Store } = {}): Promise<Owner> {
    const inner = createMemoryStore({ limits: { ...defaultLimits, ...options.limits }, clock: () => startMs });
    const owner = new Owner(await mkdtemp(join(tmpdir(), "qpq-ipc-")), options.wrap?.(inner) ?? inner);
    await owner.comeBack();
    return owner;
  }

  async connect(): Promise<Store> {
    const store = await connectStore({ path: this.path, limits: defaultLimits });
    this.#frontEnds.push(store);
    return store;
  }

  /** As its death looks to the front-ends. */
  async goAway(): Promise<void> {
    await this.#served?.close();
  }

  async comeBack(): Promise<void> {
    this.#served = await serveStore(this.store, this.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.goAway();
    for (const store of this.#frontEnds) await store.close();
    await this.store.close();
    await rm(this.#folder, { recursive: true });
  }
}
