/** The process that owns the store of a server of several: it serves it to the workers, and sweeps it. */
import { openConfiguredStore } from "../configured-store.ts";
import { createPrometheusObserver } from "../observe/prometheus.ts";
import { Sweeper } from "../ops/sweeper.ts";
import { serveStore } from "../store/index.ts";
import { runChild } from "./child-side.ts";
import { type StoreTask, socketOf } from "./messages.ts";

runChild<StoreTask>(
  async ({ config }, log) => {
    const onLost = (): void => {
      log.error({ event: "store_lost" });
      process.exit(1);
    };
    await using started = new AsyncDisposableStack();
    const store = await openConfiguredStore(config, Date.now, { onLost, log });
    started.defer(() => store.close());
    const none = (): number => 0;
    const observer = createPrometheusObserver({
      transport: () => ({}),
      queueDepth: none,
      waiters: none,
      subscriptions: none,
      rpcSessions: none,
      found: () => ({}),
      storeParts: () => ({}),
      traceSpans: () => ({ sent: 0, failed: 0 }),
    });
    const sweeper = new Sweeper(store.log, observer);
    started.defer(() => sweeper.stop());
    const served = await serveStore(store, socketOf.store);
    started.defer(() => served.close());
    const owned = started.move();
    return {
      ready: () => store.health(),
      parts: () => ({}),
      metrics: () => observer.snapshot(),
      close: () => owned.disposeAsync(),
    };
  },
  { drainsOnTerm: false },
);
