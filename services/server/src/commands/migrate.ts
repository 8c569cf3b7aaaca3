/**
 * `qpq-server migrate`: brings the database's tables up to what this version needs. Running servers of the version before
 * go on meanwhile; several at once wait for each other; what is there already is left alone.
 */
import type { ServerConfig } from "../config.ts";
import { databaseOf } from "../configured-store.ts";
import { migratePostgres } from "../store/index.ts";
import { auditCommand } from "./admin-audit.ts";
import type { Program } from "./program.ts";
import { describeDatabase, requireCluster } from "./store-words.ts";

/** E046_CONFIG, E037_STORE_SCHEMA, E020_STORE_UNAVAILABLE. */
export async function migrate(config: ServerConfig, { print }: Program): Promise<void> {
  const cluster = requireCluster(config, "the embedded store migrates itself at the start");
  const audit = auditCommand(config, "migrate");
  const { from, to } = await migratePostgres({ ...databaseOf(cluster), clock: Date.now });
  if (from !== to) audit({ event: "store_migrated", reason: `from ${from} to ${to}` });
  const done = from === to ? `nothing to do, the tables are at ${to}` : `tables brought from ${from} to ${to}`;
  print(`database      ${describeDatabase(cluster)}
migrations    ${done}
next          qpq-server
`);
}
