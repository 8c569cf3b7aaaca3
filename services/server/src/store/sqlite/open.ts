/**
 * The embedded store: one file qpq.db, one thread that writes it and one that reads it, nothing to install.
 *
 * Promises what port.ts promises. It does not share the file: a second process, or a second store in this one, is
 * refused with E036_STORE_LOCKED.
 */
import { QpqError } from "quicproquo-proto";
import { WakeupHub } from "../hub.ts";
import type { Appended, Clock, KeyStore, MessageLog, Store, StoreLimits } from "../port.ts";
import { StoreLink } from "./link.ts";

export const sqliteDefaults = {
  /** Payload bytes accepted but not yet durable; beyond it E021_OVERLOADED. */
  appendBytesInFlightMax: 64 * 1024 * 1024,
  /** Calls other than appends that wait for an answer, reads and writes apart; beyond it E021_OVERLOADED. */
  callsInFlightMax: 100_000,
  /** Largest size of the file: 1 TiB, so that the disk is full before. */
  fileBytesMax: 2 ** 40,
  /** `health` gives up after this: some hundred commits. */
  healthMsMax: 5_000,
} as const;

export type SqliteStoreOptions = {
  readonly file: string;
  readonly limits: StoreLimits;
  readonly clock: Clock;
  readonly appendBytesInFlightMax?: number;
  readonly callsInFlightMax?: number;
  readonly fileBytesMax?: number;
  readonly healthMsMax?: number;
  /** The file was restored from a backup: readers are told epochReset, because acknowledged messages may be missing. */
  readonly raiseStoreEpoch?: boolean;
};

/** Throws E036_STORE_LOCKED, E037_STORE_SCHEMA, E035_STORE_FULL or E020_STORE_UNAVAILABLE. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { file, limits, clock } = options;
  const { queueDepthMax, dedupeWindowMs, groupLifeMs, appendsInFlightMax } = limits;
  const { appendBytesInFlightMax, callsInFlightMax, fileBytesMax, healthMsMax } = { ...sqliteDefaults, ...options };
  const raiseStoreEpoch = options.raiseStoreEpoch ?? false;
  const link = await StoreLink.open({
    settings: { file, queueDepthMax, dedupeWindowMs, groupLifeMs, fileBytesMax, raiseStoreEpoch, nowMs: clock() },
    limits: { appendsInFlightMax, appendBytesInFlightMax, callsInFlightMax },
    clock,
  });
  return {
    log: logOver(link),
    keys: keysOver(link),
    wakeups: new WakeupHub(),
    health: () => withinMs(healthMsMax, link.probe()),
    close: () => link.close(),
  };
}

function logOver(link: StoreLink): MessageLog {
  return {
    append: async (entry) => (await link.append([entry]))[0] as Appended,
    appendAll: (entries) => link.append(entries),
    commitGroup: (commit) => link.commitGroup(commit),
    read: (query) => link.read("read", query),
    ack: (inbox, upTo, storeEpoch) => link.write("ack", { inbox, upTo, storeEpoch }),
    sweep: (rowsMax) => link.write("sweep", rowsMax),
  };
}

function keysOver(link: StoreLink): KeyStore {
  return {
    putKeyPackage: (put) => link.write("putKeyPackage", put),
    takeKeyPackage: (identity) => link.write("takeKeyPackage", identity),
    putHybridKey: (identity, key) => link.write("putHybridKey", { identity, key }),
    getHybridKeys: (identities) => link.read("getHybridKeys", identities),
  };
}

/** The answer itself is not cancelled: it is only no longer waited for. */
async function withinMs(msMax: number, answer: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new QpqError("E020_STORE_UNAVAILABLE", { fields: { msMax } })), msMax);
  try {
    await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
