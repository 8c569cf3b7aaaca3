/**
 * A worker that fails when it is told to. SIGUSR2: its event loop does not turn any more, as in a loop of native code.
 * SIGWINCH: it takes 512 MiB and keeps them. A file "crash" in its folder: it ends at once at every start.
 */
import { existsSync } from "node:fs";

if (existsSync("crash")) process.exit(3);
const taken: Buffer[] = [];
process.on("SIGUSR2", () => {
  for (;;);
});
process.on("SIGWINCH", () => {
  taken.push(Buffer.alloc(512 * 1024 * 1024, 1));
});
await import("../../src/processes/worker.ts");
