/** Looks through every table of a store for rows that name a key, as an operator with a hex editor would. */
import { DatabaseSync } from "node:sqlite";
import type { TestDatabase } from "../../testing/postgres.ts";

/** Table -> number of rows that hold one of the keys. */
export type Leftovers = Readonly<Record<string, number>>;

/** Of a file that no store has open. */
export function leftoversInFile(file: string, keys: readonly Uint8Array[]): Leftovers {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[];
    return counted(
      tables.map(({ name }) => [name, db.prepare(`SELECT * FROM "${name}"`).all().map(Object.values)]),
      keys,
    );
  } finally {
    db.close();
  }
}

export async function leftoversInDatabase(database: TestDatabase, keys: readonly Uint8Array[]): Promise<Leftovers> {
  const tables = await database.query("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'");
  const rows: [string, unknown[][]][] = [];
  for (const { name } of tables) {
    rows.push([String(name), (await database.query(`SELECT * FROM "${name}"`)).map(Object.values)]);
  }
  return counted(rows, keys);
}

function counted(tables: readonly (readonly [string, unknown[][]])[], keys: readonly Uint8Array[]): Leftovers {
  const found: Record<string, number> = {};
  for (const [name, rows] of tables) {
    const count = rows.filter((row) => row.some((value) => keys.some((key) => holds(value, key)))).length;
    // a row of a partition shows up in its table too
    if (count > 0 && !/_\d$/.test(name)) found[name] = count;
  }
  return found;
}

function holds(value: unknown, key: Uint8Array): boolean {
  if (value instanceof Uint8Array) return Buffer.from(value).includes(key);
  return typeof value === "string" && value.includes(Buffer.from(key).toString("hex"));
}
