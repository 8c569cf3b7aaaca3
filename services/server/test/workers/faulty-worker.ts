/**
 * A worker that fails when it is told to. SIGUSR2: its event loop does not turn any more, as in a loop of native code.
 * SIGWINCH: it takes 512 MiB and keeps them. A file "crash" in its folder: it ends at once at every start. A file
 * "intruder": once, somebody else has its TCP port when it comes to it.
 */
import { existsSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { ToChild, WorkerTask } from "../../src/processes/messages.ts";

if (existsSync("crash")) process.exit(3);
if (existsSync("intruder")) {
  rmSync("intruder", { force: true });
  process.prependOnceListener("message", (message: ToChild) => {
    if (message.kind !== "start") return;
    const { host, websocketPort: port } = (message.task as WorkerTask).config;
    createServer().listen({ host, port, exclusive: true });
  });
}
const taken: Buffer[] = [];
process.on("SIGUSR2", () => {
  for (;;);
});
process.on("SIGWINCH", () => {
  taken.push(Buffer.alloc(512 * 1024 * 1024, 1));
});
await import("../../src/processes/worker.ts");
