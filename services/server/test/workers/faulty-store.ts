/**
 * A store's process that fails when it is told to. SIGUSR2: it loses its writing thread. A file "intruder" in its folder:
 * once, somebody else has the workers' TCP port before any of them comes to it.
 */
import diagnosticsChannel from "node:diagnostics_channel";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Worker } from "node:worker_threads";
import type { ToChild } from "../../src/processes/messages.ts";

diagnosticsChannel.subscribe("worker_threads", (message) => {
  const { worker } = message as { worker: Worker };
  if (worker.threadName === "qpq-store-write") process.on("SIGUSR2", () => void worker.terminate());
});
const told = existsSync("intruder") ? await intrude() : undefined;
await import("../../src/processes/store.ts");
if (told !== undefined) process.emit("message", told, undefined);

/** Listens before it says that it serves, when the workers are begun; what it was told is still to be done. */
async function intrude(): Promise<ToChild> {
  rmSync("intruder");
  const [message] = (await once(process, "message")) as [ToChild & { kind: "start" }];
  const { host, websocketPort: port } = message.task.config;
  await once(createServer().listen({ host, port, exclusive: true }), "listening");
  return message;
}
