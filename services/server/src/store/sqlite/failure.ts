/** Translates what node:sqlite throws into the error table. The only place that knows SQLite's result codes. */
import { QpqError } from "quicproquo-proto";
import type { Failure } from "./protocol.ts";

/** Primary result codes, sqlite.org/rescode.html. */
const sqliteBusy = 5;
const sqliteLocked = 6;
const sqliteFull = 13;

export function failureOf(error: unknown): Failure {
  if (error instanceof QpqError) return { code: error.code, detail: error.text };
  const detail = error instanceof Error ? error.message : String(error);
  return { code: codeOf(error), detail };
}

function codeOf(error: unknown): Failure["code"] {
  const errno = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (errno === "ENOSPC" || errno === "EDQUOT") return "E035_STORE_FULL";
  // The low byte is the primary code; the rest says more about it (e.g. which I/O call failed).
  switch (sqliteCodeOf(error) & 0xff) {
    case sqliteBusy:
    case sqliteLocked:
      return "E036_STORE_LOCKED";
    case sqliteFull:
      return "E035_STORE_FULL";
    default:
      return "E020_STORE_UNAVAILABLE";
  }
}

/** 0 for an error that is not SQLite's. */
export function sqliteCodeOf(error: unknown): number {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode : 0;
}
