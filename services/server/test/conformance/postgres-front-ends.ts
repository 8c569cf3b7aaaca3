/** Several front-ends' stores on one database of its own. */
import type { InboxKey } from "quicproquo-proto";
import { openPostgresStore, type PostgresStore } from "../../src/store/index.ts";
import type { Append } from "../../src/store/port.ts";
import { sharedPostgres, type TestDatabase } from "../../testing/postgres.ts";
import { defaultLimits, messageIdOf, startMs } from "./subject.ts";

export class FrontEnds implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly stores: readonly PostgresStore[];

  private constructor(database: TestDatabase, stores: readonly PostgresStore[]) {
    this.database = database;
    this.stores = stores;
  }

  static async open(count: number): Promise<FrontEnds> {
    const database = await (await sharedPostgres()).createDatabase();
    const limits = { ...defaultLimits, queueDepthMax: 1_000_000, appendsInFlightMax: 1_000_000 };
    const open = () => openPostgresStore({ url: database.url, limits, clock: () => startMs });
    return new FrontEnds(database, await Promise.all(Array.from({ length: count }, open)));
  }

  /** The nth call's front-end. */
  at(n: number): PostgresStore {
    return this.stores[n % this.stores.length] as PostgresStore;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.stores) await store.close();
  }
}

export function message(inbox: InboxKey, text: string, id?: string): Append {
  const messageId = id === undefined ? undefined : messageIdOf(id);
  return { inbox, payload: new TextEncoder().encode(text), messageId, expiresAtMs: startMs + 60_000 };
}
