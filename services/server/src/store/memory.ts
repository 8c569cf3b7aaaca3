/**
 * The reference store: every promise of port.ts but durability, in plain maps. For tests and simulations.
 *
 * It is written to be compared with, not to be fast: sweep looks at every inbox. Each call takes effect in a microtask
 * of its own, in the order of the calls, so that callers meet the same interleavings as with a store that waits.
 */
import { QpqError } from "quicproquo-proto";
import { WakeupHub } from "./hub.ts";
import { MemoryKeyStore } from "./memory-keys.ts";
import { MemoryLog } from "./memory-log.ts";
import type { Clock, KeyStore, MessageLog, Store, StoreLimits } from "./port.ts";

export type MemoryStoreOptions = { readonly limits: StoreLimits; readonly clock: Clock };

export function createMemoryStore(options: MemoryStoreOptions): Store {
  const keys = new MemoryKeyStore(options.clock);
  const log = new MemoryLog(options, keys);
  let running = 0;
  let closed: Promise<void> | undefined;
  const idle = Promise.withResolvers<void>();

  /** Runs `work` in a microtask, unless the store is closed by now. */
  async function run<T>(work: () => T): Promise<T> {
    if (closed !== undefined) throw new QpqError("E020_STORE_UNAVAILABLE", { text: "the store is closed" });
    running++;
    try {
      await null;
      return work();
    } finally {
      running--;
      if (running === 0 && closed !== undefined) idle.resolve();
    }
  }

  return {
    log: logOver(log, run),
    keys: keysOver(keys, run),
    wakeups: new WakeupHub(),
    health: () => run(() => undefined),
    close() {
      closed ??= idle.promise;
      if (running === 0) idle.resolve();
      return closed;
    },
  };
}

type Run = <T>(work: () => T) => Promise<T>;

function logOver(log: MemoryLog, run: Run): MessageLog {
  const append: MessageLog["appendAll"] = async (entries) => {
    const leave = log.enter(entries);
    try {
      return await run(() => entries.map((entry) => log.append(entry)));
    } finally {
      leave();
    }
  };
  return {
    append: async (entry) => {
      const [answer] = await append([entry]);
      return answer as NonNullable<typeof answer>;
    },
    appendAll: append,
    commitGroup: async (commit) => {
      const leave = log.enter(commit.entries, 1 + commit.entries.length);
      try {
        return await run(() => log.commitGroup(commit));
      } finally {
        leave();
      }
    },
    read: (query) => run(() => log.read(query)),
    ack: (inbox, upTo, storeEpoch) => run(() => log.ack({ inbox, upTo, storeEpoch })),
    sweep: (rowsMax) => run(() => log.sweep(rowsMax)),
  };
}

function keysOver(keys: MemoryKeyStore, run: Run): KeyStore {
  return {
    putKeyPackage: (put) => run(() => keys.putKeyPackage(put)),
    takeKeyPackage: (identity) => run(() => keys.takeKeyPackage(identity)),
    putHybridKey: (identity, key) => run(() => keys.putHybridKey(identity, key)),
    getHybridKeys: (identities) => run(() => keys.getHybridKeys(identities)),
  };
}
