/** A database of its own for each Postgres store under test, on the server of this test process. */
import { openPostgresStore, raiseStoreEpoch } from "../../src/store/index.ts";
import { sharedPostgres } from "../../testing/postgres.ts";
import { type Place, type Subject, startMs } from "./subject.ts";

async function makePlace(): Promise<Place> {
  const database = await (await sharedPostgres()).createDatabase();
  // as if it had been made by the test's clock
  await database.query("UPDATE meta SET value = $1 WHERE name = 'store_epoch'", [startMs]);
  return {
    keeps: true,
    async open({ raiseStoreEpoch: raises = false, ...options }) {
      if (raises) await raiseStoreEpoch({ url: database.url, clock: options.clock });
      return await openPostgresStore({ url: database.url, ...options });
    },
    dispose: async () => undefined,
  };
}

export const postgres: Subject = { name: "Postgres", keeps: true, makePlace };
