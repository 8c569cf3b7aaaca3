/** The stores that a suite over a real server runs on. */
import { sharedPostgres } from "../../testing/postgres.ts";
import { RedisProcess } from "../../testing/redis.ts";
import { type ServerProcess, type ServerProcessOptions, startServerProcess } from "../../testing/server-process.ts";

type StoreCase = {
  readonly name: string;
  readonly start: (options?: ServerProcessOptions) => Promise<ServerProcess>;
};

let redis: Promise<RedisProcess> | undefined;

/** A database of its own; Postgres and Redis are those of the test process, and end with it. */
async function startOnCluster(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  const { url: redisUrl } = await (redis ??= RedisProcess.start());
  return await startServerProcess({ ...options, cluster: { databaseUrl, redisUrl } });
}

export const stores: readonly StoreCase[] = [
  { name: "the embedded store", start: startServerProcess },
  { name: "Postgres and Redis", start: startOnCluster },
];
