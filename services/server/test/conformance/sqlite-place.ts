/** A folder of its own for each SQLite store under test, gone afterwards. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "../../src/store/index.ts";
import type { Place, Subject } from "./subject.ts";

export async function makeSqlitePlace(): Promise<Place & { readonly file: string }> {
  const folder = await mkdtemp(join(tmpdir(), "qpq-store-"));
  const file = join(folder, "qpq.db");
  return {
    file,
    keeps: true,
    open: (options) => openSqliteStore({ file, ...options }),
    dispose: () => rm(folder, { recursive: true }),
  };
}

export const sqlite: Subject = { name: "SQLite", keeps: true, makePlace: makeSqlitePlace };
