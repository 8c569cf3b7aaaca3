/** The domains of one front-end over one store: what calls work with, and nothing of how calls arrive. */
import { CommitOrder } from "./delivery/commit-order.ts";
import { Delivery } from "./delivery/delivery.ts";
import { Letters } from "./delivery/letters.ts";
import { Subscriptions } from "./delivery/subscriptions.ts";
import { Waiters } from "./delivery/waiters.ts";
import { Keys } from "./keys/keys.ts";
import type { ServerConfig } from "./config.ts";
import type { Clock, Store } from "./store/port.ts";

type Settings = Pick<ServerConfig, "limits" | "waitersMax" | "subscriptionsMax">;

export function createDomains(store: Store, { limits, waitersMax, subscriptionsMax }: Settings, clock: Clock) {
  const { log, wakeups } = store;
  const letters = new Letters(limits, clock);
  const waiters = new Waiters({ wakeups, waitersMax });
  return {
    waiters,
    delivery: new Delivery({ log, wakeups, waiters, letters, limits }),
    subscriptions: new Subscriptions({ log, wakeups, limits, subscriptionsMax }),
    commits: new CommitOrder({ log, wakeups, letters, limits }),
    keys: new Keys({ store: store.keys, limits, clock }),
  } as const;
}
