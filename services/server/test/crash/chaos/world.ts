/** What a trial runs on: a Postgres primary and its synchronous standby, a Redis, and front-ends in networks of their own. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RedisProcess } from "../../../testing/redis.ts";
import { DatabasePair } from "./database-pair.ts";
import { FrontEnd, runHere } from "./front-end.ts";

export type FrontEndKind = {
  readonly workers: number;
  /** A fault that the server itself has: see planted-server.ts. */
  readonly planted?: string;
};

export type World = AsyncDisposable & {
  readonly database: DatabasePair;
  readonly redis: RedisProcess;
  readonly frontEnds: readonly FrontEnd[];
};

const plantedServer = fileURLToPath(new URL("../planted-server.ts", import.meta.url));

/** This process must be alone in a network namespace. */
export async function openWorld(kinds: readonly FrontEndKind[]): Promise<World> {
  await using stack = new AsyncDisposableStack();
  runHere(["ip", "link", "set", "lo", "up"]);
  const folder = mkdtempSync(join(tmpdir(), "qpq-chaos-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.on("exit", remove);
  stack.defer(remove);
  const [database, redis] = await Promise.all([
    DatabasePair.start(),
    RedisProcess.start({ settings: { bind: "*", "protected-mode": "no" } }),
  ]);
  stack.use(database);
  stack.use(redis);
  const token = randomBytes(16).toString("hex");
  const frontEnds: FrontEnd[] = [];
  for (const [i, { workers, planted }] of kinds.entries()) {
    const frontEnd = await FrontEnd.open({
      number: i + 1,
      workers,
      folder,
      token,
      databasePorts: database.ports,
      databaseUrl: (host) => database.url(host),
      redisPort: redis.port,
      ...(planted !== undefined && { program: plantedServer, env: { PLANTED_FAULT: planted } }),
    });
    frontEnds.push(stack.use(frontEnd));
  }
  const all = stack.move();
  return { database, redis, frontEnds, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
