/**
 * Log lines: an event name and fields of an allow-list. A field that isn't on the list is dropped, so a key, an inbox,
 * a payload or an address cannot slip in by being passed along; redaction is not needed where nothing gets through.
 */
import { pino } from "pino";
import { QpqError } from "quicproquo-proto";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

type LogFields = {
  readonly event: string;
  readonly method?: string;
  readonly code?: string;
  readonly reference?: string;
  readonly port?: number;
  readonly opsPort?: number;
  readonly count?: number;
  readonly ms?: number;
  readonly signal?: string;
  readonly work?: string;
  /** The process that it is about: a worker's number, or "store". */
  readonly worker?: string;
  readonly pid?: number;
  readonly exitCode?: number;
  /** Of the store: "postgres" or "redis". */
  readonly part?: string;
  readonly reason?: string;
  /** SHA-256 of a certificate. */
  readonly fingerprint?: string;
  /** ISO 8601, of a certificate. */
  readonly validTo?: string;
  readonly error?: unknown;
};

export interface Log {
  info(fields: LogFields): void;
  warn(fields: LogFields): void;
  error(fields: LogFields): void;
  /** Everything logged so far is written when it returns. */
  flush(): void;
}

/** The log of a process. */
export interface ProcessLog extends Log {
  /** Lines below it are dropped from now on. */
  setLevel(level: LogLevel): void;
}

const allowed: readonly (keyof LogFields)[] = [
  "event",
  "method",
  "code",
  "reference",
  "port",
  "opsPort",
  "count",
  "ms",
  "signal",
  "work",
  "worker",
  "pid",
  "exitCode",
  "part",
  "reason",
  "fingerprint",
  "validTo",
];

/** To standard error: standard output is for the words of the start. `base` stands in every line. */
export function createLog(level: LogLevel, base: Pick<LogFields, "worker"> | null = null): ProcessLog {
  // synchronous: a line is out before the process can be killed; there are few lines, none a message
  const destination = pino.destination({ fd: 2, sync: true });
  const logger = pino({ level, base, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  return {
    info: (fields) => logger.info(pick(fields)),
    warn: (fields) => logger.warn(pick(fields)),
    error: (fields) => logger.error(pick(fields)),
    setLevel: (level) => {
      logger.level = level;
    },
    flush: () => destination.flushSync(),
  };
}

function pick(fields: LogFields): Record<string, unknown> {
  const line: Record<string, unknown> = {};
  for (const name of allowed) if (fields[name] !== undefined) line[name] = fields[name];
  if (fields.error !== undefined) Object.assign(line, describe(fields.error));
  return line;
}

/** A line of V8's stack that names a place in a file; a message may have lines too. */
const frame = /^ {4}at (?:[^(]+ \()?(?:async )?(?:file:\/\/\/|node:)\S+:\d+:\d+\)?$/;

/** Where it happened, not what was in it: messages of foreign errors can carry data. */
function describe(error: unknown): Record<string, unknown> {
  if (error instanceof QpqError) return { errorCode: error.code, errorText: error.text };
  if (!(error instanceof Error)) return { errorName: typeof error };
  const where = error.stack
    ?.split("\n")
    .filter((line) => frame.test(line))
    .slice(0, 4);
  return { errorName: error.name, errorAt: where };
}
