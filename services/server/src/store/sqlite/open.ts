/**
 * The embedded store: one file qpq.db, one thread that writes it and one that reads it, nothing to install.
 *
 * Promises what port.ts promises. It does not share the file: a second process, or a second store in this one, is
 * refused with E036_STORE_LOCKED.
 */
import { callDefaults, withinMs } from "../call-gates.ts";
import { WakeupHub } from "../hub.ts";
import type { Clock, Store, StoreLimits } from "../port.ts";
import { type CarryOut, portsOver } from "../ports-over-calls.ts";
import { StoreLink } from "./link.ts";
import type { ReadSettings, WriteSettings } from "./protocol.ts";

const sqliteDefaults = {
  ...callDefaults,
  /** Largest size of the file: 1 TiB, so that the disk is full before. */
  fileBytesMax: 2 ** 40,
} as const;

export type SqliteStoreOptions = {
  readonly file: string;
  readonly limits: StoreLimits;
  readonly clock: Clock;
  readonly appendBytesInFlightMax?: number;
  readonly callsInFlightMax?: number;
  readonly fileBytesMax?: number;
  readonly healthMsMax?: number;
  /** Listeners of its wake-up bus; beyond it E021_OVERLOADED. */
  readonly listenersMax?: number;
  /** One of its threads has ended by itself: it will never work again, and is best opened anew. */
  readonly onLost?: () => void;
  /** The file was restored from a backup: readers are told epochReset, because acknowledged messages may be missing. */
  readonly raiseStoreEpoch?: boolean;
};

/** Throws E036_STORE_LOCKED, E037_STORE_SCHEMA, E035_STORE_FULL or E020_STORE_UNAVAILABLE. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { file, limits, clock } = options;
  const { queueDepthMax, dedupeWindowMs, groupLifeMs, appendsInFlightMax } = limits;
  const { appendBytesInFlightMax, callsInFlightMax, fileBytesMax, healthMsMax } = { ...sqliteDefaults, ...options };
  const raiseStoreEpoch = options.raiseStoreEpoch ?? false;
  const write: WriteSettings = {
    file,
    queueDepthMax,
    dedupeWindowMs,
    groupLifeMs,
    fileBytesMax,
    raiseStoreEpoch,
    nowMs: clock(),
  };
  const link = await StoreLink.open({
    programs: {
      write: new URL("./write-worker.ts", import.meta.url),
      read: new URL("./read-worker.ts", import.meta.url),
    },
    settings: { write, read: { file } satisfies ReadSettings },
    limits: { appendsInFlightMax, appendBytesInFlightMax, callsInFlightMax },
    clock,
    onLost: options.onLost ?? (() => undefined),
  });
  const call: CarryOut = (name, request) => link.call(name, request);
  return {
    ...portsOver(call),
    wakeups: new WakeupHub(options.listenersMax),
    health: () => withinMs(healthMsMax, link.probe()),
    close: () => link.close(),
  };
}
