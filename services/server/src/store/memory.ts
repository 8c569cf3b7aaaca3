/**
 * The reference store: every promise of port.ts but durability, in plain maps. For tests and simulations.
 *
 * It is written to be compared with, not to be fast: sweep looks at every inbox. Each call takes effect in a microtask
 * of its own, in the order of the calls, so that callers meet the same interleavings as with a store that waits.
 */
import { type IdentityKey, QpqError } from "quicproquo-proto";
import { WakeupHub } from "./hub.ts";
import { MemoryAccounts } from "./memory-accounts.ts";
import { MemoryBlobs } from "./memory-blobs.ts";
import { MemoryChannels } from "./memory-channels.ts";
import { MemoryKeyStore } from "./memory-keys.ts";
import { MemoryLog } from "./memory-log.ts";
import { accountCodecs, blobCodecs, channelCodecs } from "./packing/index.ts";
import type { AccountStore, BlobStore, ChannelStore, Clock, KeyStore, MessageLog, Store, StoreLimits } from "./port.ts";

export type MemoryStoreOptions = { readonly limits: StoreLimits; readonly clock: Clock };

export function createMemoryStore(options: MemoryStoreOptions): Store {
  const { clock } = options;
  const keys = new MemoryKeyStore(clock);
  const log = new MemoryLog(options);
  const accounts = new MemoryAccounts(clock, (key) => keys.removeOf(key));
  const channels = new MemoryChannels();
  const blobs = new MemoryBlobs(clock);
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

  function sweep(rowsMax: number): number {
    return [log, keys, accounts, blobs].reduce((rows, part) => rows + part.sweep(rowsMax - rows), 0);
  }

  function deleteAccount(identity: IdentityKey): void {
    const devices = accounts.listDevices(identity).map(({ deviceKey }) => deviceKey);
    for (const key of [identity, ...devices]) for (const part of [log, keys, channels, blobs]) part.removeOf(key);
    accounts.remove(identity);
  }

  return {
    log: logOver(log, sweep, run),
    keys: keysOver(keys, run),
    accounts: portOver<AccountStore>(
      Object.assign(accounts, { deleteAccount }),
      [...Object.keys(accountCodecs), "deleteAccount"],
      run,
    ),
    channels: portOver<ChannelStore>(channels, Object.keys(channelCodecs), run),
    blobs: portOver<BlobStore>(blobs, Object.keys(blobCodecs), run),
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

function logOver(log: MemoryLog, sweep: (rowsMax: number) => number, run: Run): MessageLog {
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
    sweep: (rowsMax) => run(() => sweep(rowsMax)),
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

/** A port's methods without the promises. */
type Synchronous<Port> = {
  readonly [N in keyof Port]: Port[N] extends (...parameters: infer P) => Promise<infer Answer>
    ? (...parameters: P) => Answer
    : never;
};
type Methods = Readonly<Record<string, (...parameters: readonly unknown[]) => unknown>>;

/** Each method in a turn of its own. */
function portOver<Port>(part: Synchronous<Port>, names: readonly string[], run: Run): Port {
  const methods = part as unknown as Methods;
  const called =
    (name: string) =>
    (...parameters: readonly unknown[]) =>
      run(() => methods[name]?.(...parameters));
  return Object.fromEntries(names.map((name) => [name, called(name)])) as Port;
}
