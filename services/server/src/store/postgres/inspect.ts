/** What an operator should know of a database before servers depend on it. Reads only. */
import type { Session } from "./connector.ts";
import { schemaVersion } from "./schema.ts";

export type DatabaseFacts = {
  /** As `15.4`. */
  readonly serverVersion: string;
  /** Its clock less ours when it was asked, in ms; good to the round trip. */
  readonly clockAheadMs: number;
  /** fsync and full_page_writes are on. */
  readonly isDurable: boolean;
  readonly connectionsMax: number;
  /** As set; empty = commits wait for the primary alone. */
  readonly synchronousStandbyNames: string;
  /** Standbys that are connected; of those how many are synchronous, unless this user may not see it. */
  readonly standbys: number;
  readonly synchronousStandbys: number | undefined;
  /** Migrations taken, and needed. 0: none of our tables. */
  readonly tables: { readonly found: number; readonly needed: number };
};

export async function inspectSession(session: Session, clock: () => number): Promise<DatabaseFacts> {
  const askedAtMs = clock();
  const [[version, nowMs, fsync, pages, connections, names, hasTables] = []] = await session.run(`
    SELECT current_setting('server_version'), (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
      current_setting('fsync'), current_setting('full_page_writes'), current_setting('max_connections'),
      current_setting('synchronous_standby_names'), to_regclass('meta') IS NOT NULL`);
  const answeredAtMs = clock();
  const [[standbys, seen, synchronous] = []] = await session.run(`
    SELECT count(*), count(sync_state), count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')) FROM pg_stat_replication`);
  const found = hasTables === "t" ? await session.run("SELECT value FROM meta WHERE name = 'schema_version'") : [];
  return {
    serverVersion: String(version),
    clockAheadMs: Number(nowMs) - (askedAtMs + answeredAtMs) / 2,
    isDurable: fsync === "on" && pages === "on",
    connectionsMax: Number(connections),
    synchronousStandbyNames: names ?? "",
    standbys: Number(standbys),
    // a user without pg_monitor sees that there are standbys, and nothing of them
    synchronousStandbys: Number(seen) < Number(standbys) ? undefined : Number(synchronous),
    tables: { found: Number(found[0]?.[0] ?? 0), needed: schemaVersion },
  };
}
