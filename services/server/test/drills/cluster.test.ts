/** Drills of a cluster: Postgres and Redis, and what its servers share. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { sharedPostgres, TestPostgres } from "../../testing/postgres.ts";
import { RedisProcess } from "../../testing/redis.ts";
import { runDrills } from "./drill.ts";
import type { Env, Site } from "./site.ts";

const onCluster = (databaseUrl: string, more: Env = {}): Env => ({
  QPQ_STORE: "cluster",
  QPQ_DATABASE_URL: databaseUrl,
  QPQ_OPAQUE_SETUP: "given",
  ...more,
});

/** What a drill's second half needs of its first. */
let env: Env = {};
let postgres: TestPostgres;

async function ownPostgres(site: Site, access: readonly string[] = []): Promise<TestPostgres> {
  postgres = site.owned.use(await TestPostgres.start(access.length === 0 ? {} : { access }));
  return postgres;
}

runDrills("of a cluster", [
  {
    failure: "a cluster without a database",
    code: "E046_CONFIG",
    see: (site) => site.fails("qpq-server --store cluster"),
    next: /needs (QPQ_DATABASE_URL)/,
    help: async (site, variable) => {
      const { url } = await (await sharedPostgres()).createDatabase();
      await site.does(`export ${variable}=${url}; qpq-server config check --store cluster`);
    },
  },
  {
    failure: "tables of an older version",
    code: "E037_STORE_SCHEMA",
    see: async (site) => {
      env = onCluster((await (await sharedPostgres()).createEmptyDatabase()).url);
      return await site.refuses({ env });
    },
    next: /run: (qpq-server migrate)/,
    help: async (site, command) => {
      await site.does(command, env);
      await site.findsNoMore("D15_DATABASE_TABLES", "", env);
    },
  },
  {
    failure: "an OPAQUE setup that the servers do not share",
    code: "E046_CONFIG",
    see: async (site) => {
      const { url } = await (await sharedPostgres()).createDatabase();
      env = { QPQ_STORE: "cluster", QPQ_DATABASE_URL: url };
      return await site.refuses({ env });
    },
    next: /run (qpq-server secrets opaque-setup)/,
    help: async (site, command) => {
      await site.does(`(umask 077; ${command} > setup)`, { QPQ_STORE: "sqlite" });
      await site.starts({ env: { ...env, QPQ_OPAQUE_SETUP_FILE: join(site.folder, "setup") } });
    },
  },
  {
    failure: "a database that is away",
    code: "D13_DATABASE_AWAY",
    see: async (site) => {
      const { url } = await (await ownPostgres(site)).createDatabase();
      await postgres.cluster.stop("fast");
      env = onCluster(url);
      return await site.finds("D13_DATABASE_AWAY", "", env);
    },
    next: /next: (systemctl status postgresql)/,
    // which says that it has stopped
    help: async (site) => {
      await postgres.cluster.startAgain();
      await site.findsNoMore("D13_DATABASE_AWAY", "", env);
    },
  },
  {
    failure: "a wrong password of the database",
    code: "D14_DATABASE_REFUSES",
    see: async (site) => {
      const database = await (
        await ownPostgres(site, ["host all with_password 127.0.0.1/32 scram-sha-256"])
      ).createDatabase();
      await database.query("CREATE ROLE with_password LOGIN SUPERUSER PASSWORD 'right'");
      const url = database.url.replace(/\/\/[^@]*@/, "//with_password@");
      env = onCluster(url, { QPQ_DATABASE_PASSWORD: "wrong" });
      const seen = await site.finds("D14_DATABASE_REFUSES", "", env);
      assert.doesNotMatch(seen, /wrong/);
      return seen;
    },
    next: /next: (qpq-server config print)/,
    help: async (site, command) => {
      assert.match(await site.does(command, env), /# databasePassword = \[secret\] +# QPQ_DATABASE_PASSWORD$/m);
      await site.findsNoMore("D14_DATABASE_REFUSES", "", { ...env, QPQ_DATABASE_PASSWORD: "right" });
    },
  },
  {
    failure: "a database without a synchronous standby",
    code: "D16_STANDBYS",
    see: async (site) => {
      const { url } = await (await ownPostgres(site)).createDatabase();
      env = onCluster(url);
      return await site.finds("D16_STANDBYS", "", env);
    },
    next: /next: (psql -c .*)/,
    // with none connected, commits now wait, and it says that too
    help: async (site, command) => {
      await runPsql(command);
      await site.findsNoMore("D16_STANDBYS", "", env);
      await site.finds("D17_COMMITS_WAIT", "", env);
    },
  },
  {
    failure: "a database that forgets what it has committed",
    code: "D18_NOT_DURABLE",
    see: async (site) => {
      const database = await (await ownPostgres(site)).createDatabase();
      await database.query("ALTER SYSTEM SET fsync = off");
      await database.query("SELECT pg_reload_conf()");
      env = onCluster(database.url);
      return await site.finds("D18_NOT_DURABLE", "", env);
    },
    next: /next: (psql -c .*)/,
    help: async (site, command) => {
      await runPsql(command);
      await site.findsNoMore("D18_NOT_DURABLE", "", env);
    },
  },
  {
    failure: "more workers than the database has connections for",
    code: "D19_CONNECTIONS",
    see: async (site) => {
      env = onCluster((await (await ownPostgres(site)).createDatabase()).url);
      return await site.finds("D19_CONNECTIONS", "--workers 64", env);
    },
    next: /next: (psql -c "[^"]*")/,
    help: async (site, command) => {
      await runPsql(command);
      await postgres.cluster.stop("fast");
      await postgres.cluster.startAgain();
      await site.findsNoMore("D19_CONNECTIONS", "--workers 64", env);
    },
  },
  {
    failure: "a Redis that is away",
    code: "D20_REDIS_AWAY",
    see: async (site) => {
      const { url } = await (await sharedPostgres()).createDatabase();
      env = onCluster(url, { QPQ_REDIS_URL: "redis://127.0.0.1:1" });
      return await site.finds("D20_REDIS_AWAY", "", env);
    },
    next: /next: (systemctl status redis-server)/,
    help: async (site) => {
      const redis = site.owned.use(await RedisProcess.start());
      await site.findsNoMore("D20_REDIS_AWAY", "", { ...env, QPQ_REDIS_URL: redis.url });
    },
  },
]);

/** The command as it stands, to the test's own server: what is in its -c words is carried out by the superuser. */
async function runPsql(command: string): Promise<void> {
  const statements = [...command.matchAll(/-c "([^"]*)"/g)].map(([, statement]) => statement as string);
  assert.ok(statements.length > 0, command);
  const database = await postgres.createEmptyDatabase();
  for (const statement of statements) await database.query(statement);
}
