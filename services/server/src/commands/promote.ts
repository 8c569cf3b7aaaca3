/**
 * `qpq-server promote`: after a failover that may have lost acknowledged messages, or a restore from a backup. It raises
 * the store's epoch, which running servers see with their next statement; none is restarted.
 */
import type { ServerConfig } from "../config.ts";
import { databaseOf } from "../configured-store.ts";
import { raiseStoreEpoch } from "../store/index.ts";
import { auditCommand } from "./admin-audit.ts";
import type { Program } from "./program.ts";
import { describeDatabase, requireCluster } from "./store-words.ts";

/** E046_CONFIG, E037_STORE_SCHEMA, E020_STORE_UNAVAILABLE. */
export async function promote(config: ServerConfig, { print }: Program): Promise<void> {
  const cluster = requireCluster(config, "nothing takes the embedded store's place");
  const audit = auditCommand(config, "promote");
  const { from, to } = await raiseStoreEpoch({ ...databaseOf(cluster), clock: Date.now });
  audit({ event: "store_epoch_raised", reason: `from ${from} to ${to}` });
  print(`database      ${describeDatabase(cluster)}
store epoch   ${from} before, ${to} now
meaning       every reader with a cursor of before is told gap{epochReset} once and reads again from what it has
              acknowledged; acknowledgements of before remove nothing. No message is removed.
`);
}
