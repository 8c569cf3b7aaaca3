/** A store's process that loses its writing thread when it gets SIGUSR2. */
import diagnosticsChannel from "node:diagnostics_channel";
import type { Worker } from "node:worker_threads";

diagnosticsChannel.subscribe("worker_threads", (message) => {
  const { worker } = message as { worker: Worker };
  if (worker.threadName === "qpq-store-write") process.on("SIGUSR2", () => void worker.terminate());
});
await import("../../src/processes/store.ts");
