/**
 * The embedded store: messages in a log of their own (folder messages/), all else in one file qpq.db; one thread that
 * writes both and one that reads them, nothing to install.
 *
 * Promises what port.ts promises. It does not share its files: a second process, or a second store in this one, is
 * refused with E036_STORE_LOCKED.
 */
import { callDefaults, withinMs } from "../call-gates.ts";
import { WakeupHub } from "../hub.ts";
import type { Clock, Store, StoreLimits } from "../port.ts";
import { type CarryOut, portsOver } from "../ports-over-calls.ts";
import { StoreLink } from "../sqlite/link.ts";
import type { StoreNotice } from "../sqlite/protocol.ts";
import { Positions } from "./positions.ts";
import type { LogReadSettings, LogWriteSettings } from "./protocol.ts";

/** What the reading thread may be behind when somebody asks: some ms of its work. */
const lookAfterBytes = 512 * 1024;

const logDefaults = {
  ...callDefaults,
  /** Largest size of qpq.db, and of all segments together: 1 TiB, so that the disk is full before. */
  fileBytesMax: 2 ** 40,
  /** Room comes back by whole segments, and a start reads one or two. */
  segmentBytesMax: 64 * 1024 * 1024,
} as const;

export type LogStoreOptions = {
  /** qpq.db; the folder messages/ stands beside it. */
  readonly file: string;
  readonly limits: StoreLimits;
  readonly clock: Clock;
  readonly appendBytesInFlightMax?: number;
  readonly callsInFlightMax?: number;
  readonly fileBytesMax?: number;
  readonly segmentBytesMax?: number;
  readonly healthMsMax?: number;
  /** Listeners of its wake-up bus; beyond it E021_OVERLOADED. */
  readonly listenersMax?: number;
  /** One of its threads has ended by itself: it will never work again, and is best opened anew. */
  readonly onLost?: () => void;
  /** Something to tell of its opening. */
  readonly onNotice?: (notice: StoreNotice) => void;
  /** The store was restored from a backup: readers are told epochReset, because acknowledged messages may be missing. */
  readonly raiseStoreEpoch?: boolean;
};

/** Throws E036_STORE_LOCKED, E037_STORE_SCHEMA, E038_STORE_DAMAGED, E035_STORE_FULL or E020_STORE_UNAVAILABLE. */
export async function openLogStore(options: LogStoreOptions): Promise<Store> {
  const { file, limits, clock } = options;
  const { queueDepthMax, dedupeWindowMs, groupLifeMs, appendsInFlightMax } = limits;
  const { appendBytesInFlightMax, callsInFlightMax, fileBytesMax, segmentBytesMax, healthMsMax } = {
    ...logDefaults,
    ...options,
  };
  const positions = new Positions().shared;
  const write: LogWriteSettings = {
    file,
    positions,
    queueDepthMax,
    dedupeWindowMs,
    groupLifeMs,
    fileBytesMax,
    segmentBytesMax,
    raiseStoreEpoch: options.raiseStoreEpoch ?? false,
    nowMs: clock(),
  };
  const link = await StoreLink.open({
    programs: {
      write: new URL("./write-worker.ts", import.meta.url),
      read: new URL("./read-worker.ts", import.meta.url),
    },
    settings: { write, read: { file, positions } satisfies LogReadSettings },
    limits: { appendsInFlightMax, appendBytesInFlightMax, callsInFlightMax },
    clock,
    onLost: options.onLost ?? (() => undefined),
    onNotice: options.onNotice,
    lookAfterBytes,
  });
  const call: CarryOut = (name, request) => link.call(name, request);
  return {
    ...portsOver(call),
    wakeups: new WakeupHub(options.listenersMax),
    health: () => withinMs(healthMsMax, link.probe()),
    close: () => link.close(),
  };
}
