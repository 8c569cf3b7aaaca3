/**
 * The audit log: who got in, who was kept out, what an operator did. Lines of JSON with `stream: "audit"`, among the log
 * lines on standard error or in a file of their own, and whatever the log level is.
 *
 * Users stand in it as ids (audit-id.ts), addresses as networks, and nothing else of anybody does. A flood of one kind is
 * told of in so many lines a minute; the others of that minute are one line with their count.
 */
import { appendFileSync } from "node:fs";
import { pino } from "pino";
import { type ErrorCode, QpqError } from "quicproquo-proto";
import type { Log } from "./log.ts";

/** Things that were done. Of these far more are written than of refusals. */
const acts = [
  "login",
  "registered",
  "password_changed",
  "user_disabled",
  "user_enabled",
  "user_deleted",
  "user_tokens_revoked",
  "certificate_reloaded",
  "certificate_expires",
  "settings_reloaded",
  "server_started",
  "server_stopping",
  "store_migrated",
  "store_epoch_raised",
] as const;
type Act = (typeof acts)[number];

/** `limited`: by E018_RATE_LIMIT; `refused`: a call for its token, or for what the token is for. */
type Refusal =
  | "login_failed"
  | "registration_failed"
  | "limited"
  | "refused"
  | "certificate_refused"
  | "settings_refused";

export type AuditEntry = {
  readonly event: Act | Refusal;
  /** audit-id.ts */
  readonly user?: string | undefined;
  /** Of the caller: /24 or /56. */
  readonly network?: string;
  readonly method?: string;
  readonly code?: ErrorCode;
  /** Which one was met. */
  readonly limit?: string;
  /** Of the operator's account on the machine. */
  readonly uid?: number | undefined;
  readonly signal?: string;
  /** SHA-256 of a certificate. */
  readonly fingerprint?: string;
  /** ISO 8601, of a certificate. */
  readonly validTo?: string;
  readonly reason?: string | undefined;
  /** Of what was done. */
  readonly count?: number | undefined;
};

/** A line that stands for all of its kind that were not written in `ms`. */
type Summary = Pick<AuditEntry, "event" | "method" | "code"> & { readonly suppressed: number; readonly ms: number };

export interface Audit {
  /** Never throws: a log that cannot be written stops nobody from being let in or kept out. */
  write(entry: AuditEntry): void;
}

export type AuditOptions = {
  /** undefined = standard error. */
  readonly auditFile: string | undefined;
  readonly auditActsPerMinute: number;
  readonly auditRefusalsPerMinute: number;
};

type Kind = { readonly first: AuditEntry; written: number; suppressed: number };

const periodMs = 60_000;

/** Of one process, whose name stands in every line. */
export class AuditLog implements Audit, Disposable {
  readonly #options: AuditOptions;
  readonly #log: Log;
  readonly #worker: string | undefined;
  readonly #put: (line: string) => void;
  /** Of this period. Kinds are few: an event with a method and a code of closed sets. */
  readonly #kinds = new Map<string, Kind>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isLosing = false;

  /** E046_CONFIG when the file cannot be written. */
  constructor(options: AuditOptions, log: Log, worker?: string) {
    this.#options = options;
    this.#log = log;
    this.#worker = worker;
    this.#put = putTo(options.auditFile);
  }

  write(entry: AuditEntry): void {
    const kind = this.#kindOf(entry);
    const isAct = (acts as readonly string[]).includes(entry.event);
    const { auditActsPerMinute, auditRefusalsPerMinute } = this.#options;
    if (kind.written >= (isAct ? auditActsPerMinute : auditRefusalsPerMinute)) {
      kind.suppressed++;
      return;
    }
    kind.written++;
    this.#line(entry);
  }

  /** Writes what it has only counted. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#endPeriod();
  }

  #kindOf(entry: AuditEntry): Kind {
    const name = `${entry.event} ${entry.method ?? ""} ${entry.code ?? ""}`;
    let kind = this.#kinds.get(name);
    if (kind === undefined) {
      kind = { first: entry, written: 0, suppressed: 0 };
      this.#kinds.set(name, kind);
      this.#timer ??= setTimeout(() => this.#endPeriod(), periodMs).unref();
    }
    return kind;
  }

  #endPeriod(): void {
    this.#timer = undefined;
    for (const { first, suppressed } of this.#kinds.values()) {
      if (suppressed === 0) continue;
      const { event, method, code } = first;
      this.#line({ event, ...(method && { method }), ...(code && { code }), suppressed, ms: periodMs });
    }
    this.#kinds.clear();
  }

  #line(fields: AuditEntry | Summary): void {
    const head = { time: new Date().toISOString(), stream: "audit", worker: this.#worker };
    try {
      this.#put(`${JSON.stringify({ ...head, ...fields })}\n`);
      this.#isLosing = false;
    } catch (error) {
      // once: it will be lost again and again
      if (!this.#isLosing) this.#log.error({ event: "audit_lost", error });
      this.#isLosing = true;
    }
  }
}

/** A file is opened for each line: so it can be moved away, and a new one begins, without a word to the server. */
function putTo(file: string | undefined): (line: string) => void {
  if (file === undefined) {
    const destination = pino.destination({ fd: 2, sync: true });
    return (line) => void destination.write(line);
  }
  const put = (line: string): void => appendFileSync(file, line, { mode: 0o600 });
  try {
    put("");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new QpqError("E046_CONFIG", { text: `auditFile ${file} cannot be written (${code})`, cause });
  }
  return put;
}
