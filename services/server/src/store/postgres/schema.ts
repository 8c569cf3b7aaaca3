/**
 * The tables of the database, as numbered migrations that only add. A migration that was released is never edited.
 *
 * `meta` holds two numbers: schema_version, the last migration it has taken, and schema_oldest, the oldest program
 * (counted in migrations) that still works with it. So a database may be newer than a program, and front-ends of two
 * versions work side by side while one takes the other's place.
 */
import { readFile } from "node:fs/promises";
import { QpqError } from "quicproquo-proto";
import type { Session } from "./connector.ts";

const migrationFiles = [
  "0001-message-log.sql",
  "0002-groups.sql",
  "0003-keys.sql",
  "0004-accounts.sql",
  "0005-blobs.sql",
  "0006-sender-share.sql",
  "0007-refused-senders.sql",
  "0008-published-by-devices.sql",
  "0009-ids-vacuumed-seldom.sql",
  "0010-from-the-base.sql",
] as const;

/** What this program needs. */
export const schemaVersion = migrationFiles.length;

/** The advisory lock: "qpq", 0. */
const lock = "7434353, 0";

/** E037_STORE_SCHEMA unless this program works with the database. */
export async function checkSchema(session: Session): Promise<void> {
  const rows = await session.run("SELECT name, value FROM meta WHERE name IN ('schema_version', 'schema_oldest')");
  const { schema_version: found = 0, schema_oldest: oldest = 0 } = numbersByName(rows);
  if (found < schemaVersion) {
    throw new QpqError("E037_STORE_SCHEMA", {
      fields: { found, needed: schemaVersion },
      text: "the database's tables are those of an older version; run: qpq-server migrate",
    });
  }
  if (oldest > schemaVersion) {
    throw new QpqError("E037_STORE_SCHEMA", {
      fields: { found, known: schemaVersion },
      text: "the database's tables are those of a newer version; run that one",
    });
  }
}

export type Migrated = { readonly from: number; readonly to: number };

/** Each migration in one transaction; several migrators at once wait for each other. */
export async function applyMigrations(
  session: Session,
  { upTo, nowMs }: { upTo: number; nowMs: number },
): Promise<Migrated> {
  await session.run(`SELECT pg_advisory_lock(${lock})`);
  const [[hasMeta] = []] = await session.run("SELECT to_regclass('meta') IS NOT NULL");
  const from = hasMeta === "t" ? await readVersion(session) : 0;
  for (const [i, file] of migrationFiles.slice(0, upTo).entries()) {
    if (i < from) continue;
    const sql = await readFile(new URL(`migrations/${file}`, import.meta.url), "utf8");
    await session.run(`${sql};
      INSERT INTO meta (name, value) VALUES ('schema_version', ${i + 1}), ('schema_oldest', 1), ('store_epoch', ${newEpoch(nowMs)})
      ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE meta.name = 'schema_version'`);
  }
  return { from, to: Math.max(from, upTo) };
}

export type Raised = { readonly from: bigint; readonly to: bigint };

/** After a failover that may have lost commits: readers are told epochReset. Of several at once each raises it. */
export async function raiseEpoch(session: Session, nowMs: number): Promise<Raised> {
  const [[from, to] = []] = await session.run(`
    UPDATE meta SET value = greatest(meta.value + 1, ${newEpoch(nowMs)})
    FROM (SELECT value FROM meta WHERE name = 'store_epoch' FOR UPDATE) before
    WHERE name = 'store_epoch' RETURNING before.value, meta.value`);
  return { from: BigInt(from as string), to: BigInt(to as string) };
}

async function readVersion(session: Session): Promise<number> {
  const { schema_version: version } = numbersByName(await session.run("SELECT name, value FROM meta"));
  if (version === undefined) {
    throw new QpqError("E037_STORE_SCHEMA", { text: "the database is another program's: it has a table named meta" });
  }
  return version;
}

/** The time of its making: no cursor of an earlier database is believed. */
function newEpoch(nowMs: number): number {
  return Math.max(1, Math.floor(nowMs));
}

function numbersByName(rows: readonly (readonly (string | null)[])[]): Record<string, number> {
  return Object.fromEntries(rows.map(([name, value]) => [name, Number(value)]));
}
