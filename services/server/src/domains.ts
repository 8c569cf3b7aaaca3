/** The domains of one front-end over one store: what calls work with, and nothing of how calls arrive. */
import { CallRates } from "./access/call-rates.ts";
import { DeliveryTokens } from "./access/delivery-tokens.ts";
import { BlockLists } from "./access/block-lists.ts";
import { Channels } from "./access/channels.ts";
import { SessionTokens } from "./access/session-tokens.ts";
import { AccountDeletion } from "./accounts/account-deletion.ts";
import { Accounts } from "./accounts/accounts.ts";
import { Devices } from "./accounts/devices.ts";
import { Directory } from "./accounts/directory.ts";
import { Blobs } from "./blobs/blobs.ts";
import { CommitOrder } from "./delivery/commit-order.ts";
import { Delivery } from "./delivery/delivery.ts";
import { Letters } from "./delivery/letters.ts";
import { newFoundCounts } from "./delivery/readers.ts";
import { SendingRates } from "./delivery/sending-rates.ts";
import { SafetySweep } from "./delivery/safety-sweep.ts";
import { Subscriptions } from "./delivery/subscriptions.ts";
import { Waiters } from "./delivery/waiters.ts";
import { Keys } from "./keys/keys.ts";
import type { ServerConfig } from "./config.ts";
import type { Secrets } from "./secrets.ts";
import { LocalRates } from "./store/local-rates.ts";
import type { Clock, Cursor, Store } from "./store/port.ts";

type Settings = Pick<
  ServerConfig,
  "limits" | "waitersMax" | "subscriptionsMax" | "safetySweepMs" | "allowUnprovenIdentity" | "allowSealedSender"
> &
  Pick<Secrets, "opaqueSetup">;

export function createDomains(store: Store, settings: Settings, clock: Clock) {
  const { limits, waitersMax, subscriptionsMax } = settings;
  const { log, wakeups } = store;
  const letters = new Letters(limits, clock);
  const counter = store.rates ?? new LocalRates();
  const rates = new SendingRates(counter, limits);
  const blocks = new BlockLists({ store: store.accounts, limits });
  const found = newFoundCounts();
  const sweep = sweepOf(store, {
    pace: { roundMs: settings.safetySweepMs },
    count: () => waiters.size + subscriptions.size,
    *readers() {
      yield* waiters.readers;
      yield* subscriptions.readers;
    },
  });
  const waiters = new Waiters({ wakeups, waitersMax, sweep, found });
  const subscriptions = new Subscriptions({ log, wakeups, limits, subscriptionsMax, clock, sweep, found });
  const tokens = new SessionTokens({ store: store.accounts, limits, clock });
  const channels = new Channels({ store: store.channels, rates: counter, limits });
  return {
    waiters,
    subscriptions,
    sweep,
    found,
    delivery: new Delivery({ log, wakeups, waiters, letters, rates, blocks, limits }),
    commits: new CommitOrder({ log, wakeups, letters, rates, blocks, limits }),
    keys: new Keys({ store: store.keys, rates: counter, limits, clock }),
    tokens,
    blocks,
    blobs: new Blobs({ store: store.blobs, rates: counter, limits, clock }),
    deliveryTokens: new DeliveryTokens({ store: store.accounts }),
    allowsSealed: settings.allowSealedSender,
    callRates: new CallRates(counter, limits),
    directory: new Directory({ store: store.accounts, rates: counter, limits, clock }),
    devices: new Devices({ store: store.accounts, tokens, limits, clock }),
    channels,
    deletion: new AccountDeletion({ store: store.accounts, tokens, channels }),
    accounts: new Accounts({ ...settings, store: store.accounts, tokens, rates: counter, clock }),
  } as const;
}

type SweepParts = Omit<ConstructorParameters<typeof SafetySweep>[0], "readHeads">;

function sweepOf(store: Store, parts: SweepParts): SafetySweep | undefined {
  if (store.readHeads === undefined) return undefined;
  const readHeads = (cursors: readonly Cursor[]) => (store as Required<Store>).readHeads(cursors);
  return new SafetySweep({ ...parts, readHeads });
}
