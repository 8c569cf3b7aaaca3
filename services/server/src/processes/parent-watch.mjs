/**
 * The thread of a child process that ends the process once its parent has gone. Plain JavaScript: to strip types it would
 * load 17 MB more.
 */
import { workerData } from "node:worker_threads";

const everyMs = 1_000;

setInterval(() => {
  // SIGKILL: the main thread may be stuck in native code, where no other signal is heard
  if (process.ppid !== workerData) process.kill(process.pid, "SIGKILL");
}, everyMs);
