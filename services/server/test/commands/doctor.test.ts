/** `qpq-server doctor`: what it says of a machine that is well, and of one that is not. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import dgram from "node:dgram";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { RedisProcess } from "../../testing/redis.ts";
import { sharedPostgres } from "../../testing/postgres.ts";
import { startServerProcess } from "../../testing/server-process.ts";
import type { Finding } from "../../src/ops/doctor/finding.ts";
import { runCommand } from "../cluster/run-command.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-doctor-"));
after(() => rmSync(folder, { recursive: true }));

type Said = { readonly code: number; readonly findings: readonly Finding[] };

async function examined(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
  const { code, words, errors } = await runCommand(["doctor", "--json", "--port", "0", ...args], env);
  assert.equal(errors, "");
  return { code, findings: JSON.parse(words) };
}

function codesOf({ findings }: Said): (string | undefined)[] {
  return findings.filter(({ level }) => level !== "ok").map(({ code }) => code);
}

describe("qpq-server doctor", () => {
  test("before the first start it finds nothing, ends with 0 and makes no file", async () => {
    const dataDir = join(folder, "fresh");
    const said = await examined(["--data-dir", dataDir]);
    assert.deepEqual([said.code, codesOf(said)], [0, []]);
    assert.throws(() => statSync(dataDir), /ENOENT/);
  });

  test("beside a running server it shakes hands with it", async () => {
    await using server = await startServerProcess();
    const args = ["doctor", "--host", "127.0.0.1", "--port", String(server.port), "--data-dir", server.dataDir];
    const { code, words } = await runCommand(args);
    assert.equal(code, 0, words);
    assert.match(words, /^ok +udp +the server on port \d+ answers over QUIC/m);
    assert.match(words, /^ok +store +.*qpq\.db: tables \d+, store epoch \d+$/m);
  });

  test("a port that another program has is told from one that the server has", async () => {
    await using server = await startServerProcess();
    const other = dgram.createSocket("udp4");
    await new Promise<void>((resolve) => other.bind(0, "127.0.0.1", resolve));
    const at = ["--host", "127.0.0.1", "--port", String(other.address().port)];
    const said = await examined(["--data-dir", server.dataDir, ...at]);
    other.close();
    assert.deepEqual([said.code, codesOf(said)], [1, ["D06_PORT_TAKEN"]]);
  });

  test("the command that it names for a secret that others can read mends it", async () => {
    const dataDir = mkdtempSync(join(folder, "wide-"));
    const secret = join(dataDir, "auth-token");
    writeFileSync(secret, "x");
    chmodSync(secret, 0o644);
    const said = await examined(["--data-dir", dataDir]);
    assert.deepEqual([said.code, codesOf(said)], [1, ["D05_FILE_MODE"]]);
    const [, mode, file] = /^chmod (\d+) (.*)$/.exec(said.findings.find(({ next }) => next)?.next ?? "") ?? [];
    chmodSync(String(file), Number.parseInt(String(mode), 8));
    assert.deepEqual(codesOf(await examined(["--data-dir", dataDir])), []);
  });

  test("socket buffers that the kernel cuts are a warning with the sysctl, not an error", async () => {
    const said = await examined(["--data-dir", join(folder, "fresh"), "--socket-buffer-bytes", String(2 ** 28)]);
    assert.deepEqual([said.code, codesOf(said)], [0, ["D08_SOCKET_BUFFERS"]]);
    const { next } = said.findings.find(({ code }) => code === "D08_SOCKET_BUFFERS") as Finding;
    assert.equal(next, `sysctl -w net.core.rmem_max=${2 ** 28} net.core.wmem_max=${2 ** 28}`);
  });

  test("settings that a start refuses are a finding with its code", async () => {
    const said = await examined(["--dedupe-window-secs", "60"]);
    assert.deepEqual([said.code, codesOf(said)], [1, ["D01_SETTINGS"]]);
    assert.match(said.findings[0]?.text ?? "", /^E046_CONFIG dedupeWindowSecs/);
  });

  test("a store file of another program is told, and left alone", async () => {
    const dataDir = mkdtempSync(join(folder, "foreign-"));
    writeFileSync(join(dataDir, "qpq.db"), "no database at all, but as long as one might be".repeat(100));
    const said = await examined(["--data-dir", dataDir]);
    assert.deepEqual([said.code, codesOf(said)], [1, ["D12_STORE_FILE"]]);
  });
});

describe("qpq-server doctor of a cluster", () => {
  const cluster = (databaseUrl: string, more = {}) => ({
    QPQ_STORE: "cluster",
    QPQ_DATABASE_URL: databaseUrl,
    QPQ_OPAQUE_SETUP: "given",
    ...more,
  });
  const args = ["--data-dir", join(folder, "cluster")];

  test("names the tables, the standbys and Redis one by one, and no longer what was mended", async () => {
    const { url } = await (await sharedPostgres()).createEmptyDatabase();
    const before = await examined(args, cluster(url));
    assert.equal(before.code, 1);
    assert.deepEqual(codesOf(before), ["D15_DATABASE_TABLES", "D16_STANDBYS", "D20_REDIS_AWAY"]);
    const next = before.findings.find(({ code }) => code === "D15_DATABASE_TABLES")?.next;
    assert.equal(next, "qpq-server migrate");
    assert.equal((await runCommand(["migrate"], cluster(url))).code, 0);
    await using redis = await RedisProcess.start();
    const after = await examined(args, cluster(url, { QPQ_REDIS_URL: redis.url }));
    assert.deepEqual([after.code, codesOf(after)], [0, ["D16_STANDBYS"]]);
    assert.ok(after.findings.some(({ check, level }) => check === "redis" && level === "ok"));
    assert.equal(after.findings.filter(({ check, level }) => check === "clock" && level === "ok").length, 2);
  });

  test("a database and a Redis that are away are two errors, and no secret stands in them", async () => {
    const env = cluster("postgres://qpq@127.0.0.1:1/mail", {
      QPQ_DATABASE_PASSWORD: "canary",
      QPQ_REDIS_URL: "redis://:canary@127.0.0.1:1",
    });
    const said = await examined(args, env);
    assert.deepEqual([said.code, codesOf(said)], [1, ["D13_DATABASE_AWAY", "D20_REDIS_AWAY"]]);
    assert.doesNotMatch(JSON.stringify(said), /canary/);
  });
});
