/**
 * Nothing that is secret is told to who reads logs, the audit log, metrics, traces, the words of the start or error
 * messages: keys, tokens, payloads, OPAQUE's messages and what the servers themselves keep secret, at the finest level of the
 * log and with every call traced.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { TransportKeys } from "../../src/transport-keys.ts";
import { testOpaqueSetup } from "../../testing/opaque-setup.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../../testing/otlp-receiver.ts";
import { TestPostgres } from "../../testing/postgres.ts";
import { RedisProcess } from "../../testing/redis.ts";
import { type ServerProcessOptions, startServerProcess } from "../../testing/server-process.ts";
import { callable } from "./authorization/calls.ts";
import { prepareAccounts } from "./authorization/people.ts";
import { callEverything, logIn, loginAttempts, Watched } from "./watched.ts";

const many = 1_000_000;
const settings = {
  "log-level": "debug",
  "trace-sample-ratio": 1,
  "login-attempts-per-minute": loginAttempts,
  "login-address-attempts-per-minute": many,
  "registrations-per-hour": many,
  "audit-acts-per-minute": 10_000,
  "audit-refusals-per-minute": 10_000,
};

const names = callable.map((_, i) => `canary.${i}.${randomBytes(8).toString("hex")}`);

test("on the embedded store no secret can be read in logs, words, metrics and errors, and none that lets in in the file", async () => {
  await using folder = temporaryFolder();
  const dataDir = join(folder.path, "data");
  const watched = new Watched();
  const accounts = await prepareAccounts({ args: ["--data-dir", dataDir], env: {} }, names);
  await using traces = await startOtlpReceiver();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: traces.endpoint };
  await using server = await startServerProcess({ dataDir, settings, env });
  for (const file of ["auth-token", "opaque-setup", "transport-secret", "server-key.der"]) {
    const secret = readFileSync(join(dataDir, file));
    watched.canaries.add(file, secret);
    if (file === "opaque-setup") watched.canaries.add(`bytes of ${file}`, Buffer.from(secret.toString(), "base64url"));
    if (file !== "transport-secret") continue;
    const { ticketKey, retryKey, resetKey } = new TransportKeys(secret.toString().trim(), Date.now);
    for (const key of [ticketKey, retryKey, resetKey]) watched.canaries.add("transport key", key);
  }
  await callEverything(server, watched, accounts);
  await logIn(server, watched);
  const told = await watched.read(server);
  await server.kill("SIGTERM");
  assertAllCalled(told);
  assertSilent(watched, told + server.log() + textOf(traces));
  assertUseless(watched, readFileSync(join(dataDir, "qpq.db"), "latin1"));
});

test("on Postgres and Redis neither, nor the database's and Redis's passwords, also after both were lost", async () => {
  await using folder = temporaryFolder();
  const [databasePassword, redisPassword] = [randomBytes(16).toString("hex"), randomBytes(16).toString("hex")];
  await using redis = await RedisProcess.start({ settings: { requirepass: redisPassword } });
  await using postgres = await TestPostgres.start({ access: ["host all mail 127.0.0.1/32 scram-sha-256"] });
  const database = await postgres.createDatabase();
  await database.query(`CREATE USER mail PASSWORD '${databasePassword}';
    GRANT ALL ON ALL TABLES IN SCHEMA public TO mail; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO mail`);
  const token = randomBytes(24).toString("base64url");
  const cluster = {
    databaseUrl: `postgres://mail@127.0.0.1:${postgres.cluster.port}/${database.name}`,
    redisUrl: `redis://default:${redisPassword}@127.0.0.1:${redis.port}`,
  };
  await using traces = await startOtlpReceiver();
  const env = {
    QPQ_DATABASE_PASSWORD: databasePassword,
    QPQ_AUTH_TOKEN: token,
    OTEL_EXPORTER_OTLP_ENDPOINT: traces.endpoint,
  };
  const watched = new Watched();
  const { canaries } = watched;
  for (const [name, secret] of Object.entries({ databasePassword, redisPassword, token })) canaries.add(name, secret);
  canaries.add("OPAQUE setup", testOpaqueSetup);
  canaries.add("bytes of the OPAQUE setup", Buffer.from(testOpaqueSetup, "base64url"));
  const store = { QPQ_STORE: "cluster", QPQ_DATABASE_URL: cluster.databaseUrl, QPQ_OPAQUE_SETUP: testOpaqueSetup };
  const accounts = await prepareAccounts({ args: ["--data-dir", folder.path], env: { ...store, ...env } }, names);
  const auditFile = join(folder.path, "audit");
  await using server = await startServerProcess({ cluster, env, settings: { ...settings, "audit-file": auditFile } });
  await callEverything(server, watched, accounts);
  await logIn(server, watched);
  const tables = await database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
  const rows = await Promise.all(tables.map(({ tablename }) => database.query(`SELECT t::text FROM ${tablename} t`)));
  assertUseless(watched, JSON.stringify(rows));
  await redis.kill();
  await postgres.cluster.stop("kill");
  using client = await watched.connect(server, token);
  const recipientKey = randomBytes(32);
  await Promise.all([
    watched.try(client.call("enqueue", { recipientKey, payload: randomBytes(32) })),
    watched.try(client.call("peek", { recipientKey })),
    watched.try(client.call("opaqueLoginStart", { username: names[0] as string, request: randomBytes(96) })),
  ]);
  const told = await watched.read(server);
  await server.kill("SIGTERM");
  assertAllCalled(told);
  assert.match(server.log(), /store_part_lost/);
  assert.match(readFileSync(auditFile, "utf8"), /login_failed|limited/);
  assertSilent(watched, told + server.log() + readFileSync(auditFile, "utf8") + textOf(traces));
});

test("a configuration that is refused is not quoted where it is secret", async () => {
  const secret = (): string => randomBytes(12).toString("hex");
  await using redis = await RedisProcess.start({ settings: { requirepass: secret() } });
  const databaseUrl = `postgres://qpq@127.0.0.1:${redis.port}/mail`;
  const cases: Readonly<Record<string, (word: string) => ServerProcessOptions>> = {
    "a password in the database's URL": (word) => ({
      cluster: { databaseUrl: `postgres://qpq:${word}@127.0.0.1/mail` },
    }),
    "a URL that is none": (word) => ({ cluster: { databaseUrl: `${word}//${word}@` } }),
    "a URL of Redis that is none": (word) => ({ cluster: { databaseUrl, redisUrl: `${word}//:${word}@` } }),
    "a damaged OPAQUE setup": (word) => ({ cluster: { databaseUrl }, env: { QPQ_OPAQUE_SETUP: word } }),
    "a secret as a flag": (word) => ({ settings: { "auth-token": word } }),
    "an unknown mode": (word) => ({
      cluster: { databaseUrl, redisUrl: `redis://:${word}@h` },
      env: { QPQ_REDIS_MODE: "x" },
    }),
  };
  for (const [name, optionsOf] of Object.entries(cases)) {
    const watched = new Watched();
    const word = secret();
    watched.canaries.add(name, word);
    await assert.rejects(startServerProcess(optionsOf(word)), (error: Error) => {
      assert.match(error.message, /E046_CONFIG|E048_USAGE/, name);
      assertSilent(watched, error.message);
      return true;
    });
  }
});

for (const leak of ["log", "error"]) {
  test(`a server that tells a payload in its ${leak} is found out`, async () => {
    const program = fileURLToPath(new URL("./leaking-server.ts", import.meta.url));
    await using server = await startServerProcess({ program, env: { PLANTED_LEAK: leak } });
    const watched = new Watched();
    using client = await watched.connect(server, server.token);
    await watched.try(client.call("enqueue", { recipientKey: randomBytes(32), payload: randomBytes(32) }));
    const told = await watched.read(server);
    await server.kill("SIGTERM");
    assert.notDeepEqual(watched.canaries.findIn(told + server.log()), []);
  });
}

function assertSilent({ canaries }: Watched, told: string): void {
  assert.deepEqual(canaries.findIn(told), []);
}

/** Who reads the store finds people's keys and messages as they were sent, and nothing that lets in. */
function assertUseless({ canaries }: Watched, store: string): void {
  const found = canaries.findIn(store);
  assert.notDeepEqual(found, [], "it is looked for in the right place");
  const letsIn =
    /^(token|password)|\.(accessToken|sessionToken|deliveryToken|tokens\.\d|loginId|finalization|identityProof|epochProof) /;
  assert.deepEqual(
    found.filter((name) => letsIn.test(name)),
    [],
  );
}

/** By the metrics: what was not called could not tell anything. */
function assertAllCalled(told: string): void {
  for (const method of callable) {
    assert.ok(told.includes(`qpq_rpc_calls_total{method="${method}",code="`), `${method} was called`);
  }
}

/** All spans, as they are sent: protobuf, with its texts and bytes as they are. */
function textOf({ spans, bodies }: OtlpReceiver): string {
  assert.ok(spans.length > callable.length, `${spans.length} spans`);
  return Buffer.concat(bodies).toString("latin1") + JSON.stringify(spans);
}

function temporaryFolder(): AsyncDisposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "qpq-canaries-"));
  return { path, [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true }) };
}
