/** The doctor's look at what a cluster's servers depend on: Postgres, Redis, and that all clocks agree. */
import { QpqError } from "quicproquo-proto";
import type { ClusterConfig, ServerConfig } from "../../config.ts";
import { databaseOf } from "../../configured-store.ts";
import { inspectDatabase, inspectRedis } from "../../store/index.ts";
import { type Finding, failing, ok, warning } from "./finding.ts";

/** What they must agree within (docs/operate/scale.md), less what a busy round trip may take. */
const clockMsMax = 2_000;
const connectionsPerWorker = 10;
const setClock = "timedatectl set-ntp true; timedatectl timesync-status";

type DatabaseFacts = Awaited<ReturnType<typeof inspectDatabase>>;

export async function lookAtDatabase(config: ServerConfig, cluster: ClusterConfig): Promise<Finding[]> {
  let facts: DatabaseFacts;
  try {
    facts = await inspectDatabase({ ...databaseOf(cluster), clock: Date.now });
  } catch (error) {
    return [databaseFailure(error)];
  }
  return [
    ok("database", `Postgres ${facts.serverVersion} answers and takes writes`),
    tables(facts),
    durability(facts),
    standbys(facts),
    connections(facts, config.processes.workers),
    lookAtClock("the database", facts.clockAheadMs),
  ];
}

/** As configured-store.ts has it: not a matter of waiting. */
const refusals = /\b(?:28000|28P01|3D000)\b/;

function databaseFailure(error: unknown): Finding {
  const told = error instanceof QpqError ? error : new QpqError("E034_INTERNAL", { cause: error });
  const reason = told.cause instanceof Error ? `: ${told.cause.message}` : "";
  const text = `${told.code} ${told.text}${reason}`;
  if (told.code === "E046_CONFIG")
    return failing("database", "D01_SETTINGS", { text, next: "qpq-server config print" });
  if (refusals.test(text)) {
    const next = "qpq-server config print (databaseUrl and databasePassword: where they come from)";
    return failing("database", "D14_DATABASE_REFUSES", { text, next });
  }
  return failing("database", "D13_DATABASE_AWAY", { text, next: "systemctl status postgresql" });
}

function tables({ tables: { found, needed } }: DatabaseFacts): Finding {
  if (found >= needed) return ok("tables", `the database's tables are at ${found}, ${needed} are needed`);
  const text = `the database's tables are at ${found}, ${needed} are needed`;
  return failing("tables", "D15_DATABASE_TABLES", { text, next: "qpq-server migrate" });
}

function durability({ isDurable }: DatabaseFacts): Finding {
  if (isDurable) return ok("durability", "fsync and full_page_writes are on");
  const next = `psql -c "ALTER SYSTEM SET fsync = on" -c "ALTER SYSTEM SET full_page_writes = on" -c "SELECT pg_reload_conf()"`;
  return failing("durability", "D18_NOT_DURABLE", { next });
}

const waitForOne = `psql -c "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'" -c "SELECT pg_reload_conf()"`;

function standbys({ synchronousStandbyNames: names, standbys, synchronousStandbys }: DatabaseFacts): Finding {
  if (names === "") {
    const text = `commits wait for no standby (${standbys} connected): a failover may lose acknowledged messages`;
    return warning("standbys", "D16_STANDBYS", { text, next: waitForOne });
  }
  if (standbys === 0 || synchronousStandbys === 0) {
    const text = `commits wait for one of ${names}, and none is connected`;
    return failing("standbys", "D17_COMMITS_WAIT", { text, next: 'psql -c "SELECT * FROM pg_stat_replication"' });
  }
  if (standbys === 1) {
    const text = `one standby, and commits wait for it (${names}): while it is away they stand still`;
    return warning("standbys", "D16_STANDBYS", { text, next: 'psql -c "SELECT * FROM pg_stat_replication"' });
  }
  return ok("standbys", `${standbys} connected, commits wait for ${names}`);
}

function connections({ connectionsMax }: DatabaseFacts, workers: number): Finding {
  const needed = workers * connectionsPerWorker;
  const text = `max_connections is ${connectionsMax}; the ${workers} workers of this server take ${needed}`;
  if (connectionsMax > needed) return ok("connections", text);
  const next = `psql -c "ALTER SYSTEM SET max_connections = ${2 * needed}" (and restart Postgres)`;
  return failing("connections", "D19_CONNECTIONS", { text, next });
}

export async function lookAtRedis({ redisUrl, redisMode }: ClusterConfig): Promise<Finding[]> {
  if (redisUrl === undefined) {
    const text = "no Redis is set: readers at other front-ends than the sender's are told late";
    return [warning("redis", "D20_REDIS_AWAY", { text, next: "export QPQ_REDIS_URL=redis://HOST:6379" })];
  }
  try {
    const { version, clockAheadMs } = await inspectRedis(redisUrl, redisMode, Date.now);
    const isOld = Number(version.split(".")[0]) < 7;
    const redis = isOld
      ? failing("redis", "D21_REDIS_VERSION", {
          text: `Redis is ${version}, 7.0 is needed`,
          next: "redis-server --version",
        })
      : ok("redis", `Redis ${version} answers`);
    return [redis, lookAtClock("Redis", clockAheadMs)];
  } catch (error) {
    const text = `Redis does not serve: ${(error as Error).message}`;
    return [failing("redis", "D20_REDIS_AWAY", { text, next: "systemctl status redis-server" })];
  }
}

function lookAtClock(whose: string, aheadMs: number): Finding {
  const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1);
  const text = `this machine's clock is ${seconds} s ${aheadMs > 0 ? "behind" : "ahead of"} that of ${whose}`;
  if (Math.abs(aheadMs) <= clockMsMax) return ok("clock", text);
  return failing("clock", "D09_CLOCK", { text, next: setClock });
}
