/**
 * Translates what a statement ended with into what to do and the error table. The only place that knows SQLSTATEs
 * (PostgreSQL's manual, appendix A).
 */
import { QpqError } from "quicproquo-proto";

/** Until a lost database is probably back: a restart takes about a second, a failover some. */
const retryAfterMs = 1_000;

/**
 * `lost`: nobody knows whether it was committed. `conflict`: nothing happened, and the same again may succeed.
 * `duplicate`: nothing happened, because of a unique key. `refused`: nothing happened, and the same again would not help.
 */
export type FailureKind = "lost" | "conflict" | "duplicate" | "refused";

export class StatementFailure extends Error {
  readonly kind: FailureKind;
  /** For the caller, if it is not tried again. */
  readonly error: QpqError;
  /** Another connection is needed. */
  readonly endsConnection: boolean;

  constructor(kind: FailureKind, error: QpqError, endsConnection: boolean) {
    super(error.message, { cause: error.cause });
    this.kind = kind;
    this.error = error;
    this.endsConnection = endsConnection;
  }
}

/** E020_STORE_UNAVAILABLE; the cause is for the log. */
export function unavailable(text: string | undefined, cause?: unknown): QpqError {
  return new QpqError("E020_STORE_UNAVAILABLE", { retryAfterMs, cause, ...(text === undefined ? {} : { text }) });
}

export function failureOf(error: unknown): StatementFailure {
  if (error instanceof StatementFailure) return error;
  if (error instanceof QpqError) return new StatementFailure("refused", error, false);
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  const cause = causeOf(error);
  // a connection that ended, or a server that said so as the last thing: its statement may stand
  if (severity !== "ERROR" || typeof code !== "string" || /^(08|57P)|^40003$/.test(code)) {
    return new StatementFailure("lost", unavailable(undefined, cause), true);
  }
  switch (code) {
    case "25006": // read_only_sql_transaction: the primary has become a standby
      return new StatementFailure("conflict", unavailable(undefined, cause), true);
    case "40001": // serialization_failure
    case "40P01": // deadlock_detected
    case "55P03": // lock_not_available
      return new StatementFailure("conflict", unavailable(undefined, cause), false);
    case "23505": // unique_violation
      return new StatementFailure("duplicate", unavailable(undefined, cause), false);
    default:
      return new StatementFailure("refused", refusalOf(code, cause), false);
  }
}

/** For the log: the code and the message, not the server's detail, which quotes rows. */
export function causeOf(error: unknown): Error {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return new Error(typeof code === "string" ? `${code}: ${message}` : String(message));
}

/** A server that is there, and has no room for another connection (class 53: insufficient resources). */
export function isRefusedForNow(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && code.startsWith("53");
}

function refusalOf(code: string, cause: Error): QpqError {
  if (code === "53100") return new QpqError("E035_STORE_FULL", { retryAfterMs, cause }); // disk_full
  // class 42: no such table, column or function, or no right to use it
  if (code.startsWith("42")) {
    return new QpqError("E037_STORE_SCHEMA", {
      text: "the database does not have the tables of this version, or the user no right to them; run: qpq-server migrate",
      cause,
    });
  }
  return unavailable(undefined, cause);
}
