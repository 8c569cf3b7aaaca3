/** Who the store talks to, and how it shows who it is: TLS and SCRAM against a real server. */
import assert from "node:assert/strict";
import { chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createSelfSigned } from "../../src/self-signed.ts";
import { openPostgresStore, type PostgresStoreOptions } from "../../src/store/index.ts";
import { sharedPostgres, type TestDatabase, TestPostgres } from "../../testing/postgres.ts";
import { hasCode } from "./codes.ts";
import { defaultLimits, startMs } from "./subject.ts";

let postgres: TestPostgres;
let database: TestDatabase;
let folder: string;
const rootFile = () => join(folder, "root.pem");
const otherRootFile = () => join(folder, "other.pem");

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "qpq-tls-"));
  const own = await createSelfSigned("localhost");
  const other = await createSelfSigned("localhost");
  writeFileSync(rootFile(), pem("CERTIFICATE", own.certificateDer));
  writeFileSync(otherRootFile(), pem("CERTIFICATE", other.certificateDer));
  postgres = await TestPostgres.start({
    settings: { ssl: "on", password_encryption: "scram-sha-256" },
    access: ["hostssl all with_password 127.0.0.1/32 scram-sha-256", "hostssl all in_the_clear 127.0.0.1/32 password"],
    prepare(dataFolder) {
      const { uid, gid } = statSync(dataFolder);
      for (const [name, text] of [
        ["server.crt", pem("CERTIFICATE", own.certificateDer)],
        ["server.key", pem("PRIVATE KEY", own.privateKeyDer)],
      ] as const) {
        writeFileSync(join(dataFolder, name), text, { mode: 0o600 });
        chownSync(join(dataFolder, name), uid, gid);
      }
    },
  });
  database = await postgres.createDatabase();
  for (const user of ["with_password", "in_the_clear"]) {
    await database.query(`CREATE USER ${user} PASSWORD 'first'; GRANT SELECT ON meta TO ${user}`);
  }
});

after(async () => {
  await postgres[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function pem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64")}\n-----END ${label}-----\n`;
}

/** Whether a store at this address works. */
async function works(url: string, options: Partial<PostgresStoreOptions> = {}): Promise<boolean> {
  const bounds = { limits: defaultLimits, unavailableMsMax: 1_000, healthMsMax: 10_000 };
  const store = await openPostgresStore({ url, clock: () => startMs, ...bounds, ...options });
  try {
    await store.health();
    return true;
  } catch (error) {
    assert.ok(hasCode("E020_STORE_UNAVAILABLE")(error));
    return false;
  } finally {
    await store.close();
  }
}

function urlWith(settings: string, { host = "localhost", user = "qpq" } = {}): string {
  return `postgres://${user}@${host}:${database.cluster.port}/${database.name}?${settings}`;
}

describe("access to Postgres", () => {
  test("verify-full takes the server with the right root and name, and no other", async () => {
    const root = `sslrootcert=${rootFile()}`;
    assert.equal(await works(urlWith(`sslmode=verify-full&${root}`)), true);
    assert.equal(await works(urlWith(`sslmode=verify-full&sslrootcert=${otherRootFile()}`)), false);
    assert.equal(await works(urlWith("sslmode=verify-full")), false);
    assert.equal(await works(urlWith(`sslmode=verify-full&${root}`, { host: "127.0.0.1" })), false);
    assert.equal(await works(urlWith(`sslmode=verify-ca&${root}`, { host: "127.0.0.1" })), true);
    assert.equal(await works(urlWith(`sslmode=verify-ca&sslrootcert=${otherRootFile()}`)), false);
  });

  test("a server without TLS is not talked to when TLS is asked for", async () => {
    assert.equal(await works(urlWith("sslmode=require")), true);
    const { url } = await (await sharedPostgres()).createDatabase();
    assert.equal(await works(`${url}?sslmode=disable`), true);
    assert.equal(await works(`${url}?sslmode=require`), false);
  });

  test("a root certificate that cannot be read is told at once", async () => {
    const url = urlWith("sslmode=verify-full&sslrootcert=nowhere.pem");
    await assert.rejects(works(url), hasCode("E046_CONFIG"));
  });

  test("a server that wants the password in the clear does not get it", async () => {
    const url = urlWith("sslmode=require", { user: "in_the_clear" });
    assert.equal(await works(url, { password: async () => "first" }), false);
  });

  test("the password is asked for at each connect, and only the right one opens", async () => {
    const url = urlWith("sslmode=require", { user: "with_password" });
    assert.equal(await works(url, { password: async () => "first" }), true);
    assert.equal(await works(url, { password: async () => "second" }), false);
    assert.equal(await works(url), false);
    let password = "first";
    const store = await openPostgresStore({
      url,
      limits: defaultLimits,
      clock: () => startMs,
      unavailableMsMax: 60_000,
      password: async () => password,
    });
    await database.query("ALTER USER with_password PASSWORD 'second'");
    password = "second";
    await database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'with_password'");
    await store.health();
    await store.close();
  });
});
