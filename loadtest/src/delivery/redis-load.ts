/** Callers of XADD, each message to the stream of its inbox: what a delivery service on Redis alone would do. */
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { inboxCount, Workload } from "../workload.ts";
import { serveCallers, several } from "./callers.ts";

export type RedisTask = {
  readonly port: number;
  /** PEM; undefined: plain TCP. */
  readonly certificateFile?: string | undefined;
  readonly connections: number;
};

serveCallers(async ({ port, certificateFile, connections }: RedisTask) => {
  const tls =
    certificateFile === undefined ? {} : { tls: { ca: readFileSync(certificateFile), servername: "localhost" } };
  const clients = await several(connections, async () => {
    const client = new Redis({ host: "127.0.0.1", port, enableAutoPipelining: true, lazyConnect: true, ...tls });
    await client.connect();
    return client;
  });
  const { payload } = new Workload();
  const body = Buffer.from(payload);
  let count = 0;
  return (caller) => (clients[caller % connections] as Redis).xadd(`s:${count++ % inboxCount}`, "*", "p", body);
});
