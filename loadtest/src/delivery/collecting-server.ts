/** qpq-server that on SIGUSR2 collects its garbage and says in its log what is left. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export type Memory = { readonly heapBytes: number; readonly externalBytes: number; readonly residentBytes: number };

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

process.on("SIGUSR2", async () => {
  for (let i = 0; i < 2; i++) {
    collect();
    await new Promise(setImmediate);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const memory: Memory = { heapBytes: heapUsed, externalBytes: external, residentBytes: rss };
  process.stderr.write(`${JSON.stringify({ event: "bench_memory", ...memory })}\n`);
});

await import(new URL("../../../services/server/bin/qpq-server.mjs", import.meta.url).href);
