/** The configuration: each source wins over the one before, and every mistake is named. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { loadConfig } from "../../src/config.ts";
import { describeConfig } from "../../src/settings.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-config-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const wrong =
  (code: string, text: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof QpqError, String(error));
    assert.equal(error.code, code);
    assert.match(error.text, text);
    return true;
  };

test("without any source the defaults stand", () => {
  const config = loadConfig({ args: [], env: {} });
  assert.equal(config.port, 7000);
  assert.equal(config.limits.payloadBytesMax, 5 * 1024 * 1024);
  assert.equal(config.quic.idleMs, 15_000);
  assert.equal(config.authToken, undefined);
  assert.equal(config.serverId, undefined);
  assert.equal(config.processes.workers, 1);
});

test("a server id is 8 bytes in hex", () => {
  const { serverId } = loadConfig({ args: ["--server-id", "00ff0102030405aB"], env: {} });
  assert.deepEqual([...(serverId ?? [])], [0, 255, 1, 2, 3, 4, 5, 0xab]);
});

test("a file wins over defaults, the environment over the file, a flag over both", () => {
  const path = file("order.toml", 'port = 1\nopsPort = 2\ndataDir = "from-file"\nqueueDepthMax = 5\n');
  const config = loadConfig({
    args: ["--config", path, "--port", "11"],
    env: { QPQ_PORT: "10", QPQ_OPS_PORT: "20" },
  });
  assert.deepEqual(
    [config.port, config.opsPort, config.dataDir, config.limits.queueDepthMax],
    [11, 20, "from-file", 5],
  );
});

test("an unknown key of the file, an unknown flag and a wrong value are each named", () => {
  const path = file("unknown.toml", "queueDepth = 5\n");
  assert.throws(
    () => loadConfig({ args: ["--config", path], env: {} }),
    wrong("E046_CONFIG", /unknown key queueDepth/),
  );
  assert.throws(() => loadConfig({ args: ["--prot", "1"], env: {} }), wrong("E048_USAGE", /--prot/));
  assert.throws(() => loadConfig({ args: ["--port", "70000"], env: {} }), wrong("E046_CONFIG", /port/));
  assert.throws(() => loadConfig({ args: ["--workers", "0"], env: {} }), wrong("E046_CONFIG", /workers/));
  assert.throws(() => loadConfig({ args: ["--server-id", "abc"], env: {} }), wrong("E046_CONFIG", /serverId/));
  assert.throws(() => loadConfig({ args: ["--log-level", "loud"], env: {} }), wrong("E046_CONFIG", /logLevel/));
  assert.throws(
    () => loadConfig({ args: [], env: { QPQ_PAYLOAD_BYTES_MAX: "0" } }),
    wrong("E046_CONFIG", /payloadBytesMax/),
  );
  assert.throws(
    () => loadConfig({ args: ["--config", join(folder, "absent.toml")], env: {} }),
    wrong("E046_CONFIG", /absent/),
  );
  assert.throws(
    () => loadConfig({ args: ["--config", file("broken.toml", "port = ")], env: {} }),
    wrong("E046_CONFIG", /broken/),
  );
});

test("a dedupe window shorter than the message life is refused: a repeat could be stored twice", () => {
  assert.throws(
    () => loadConfig({ args: ["--dedupe-window-secs", "60"], env: {} }),
    wrong("E046_CONFIG", /dedupeWindowSecs/),
  );
});

test("the token comes from the environment or a mounted file, never from a flag", () => {
  assert.equal(loadConfig({ args: [], env: { QPQ_AUTH_TOKEN: "from-env" } }).authToken, "from-env");
  const mounted = file("token", "from-mount\n");
  assert.equal(loadConfig({ args: [], env: { QPQ_AUTH_TOKEN_FILE: mounted } }).authToken, "from-mount");
  assert.throws(() => loadConfig({ args: ["--auth-token", "x"], env: {} }), wrong("E048_USAGE", /auth-token/));
  assert.throws(
    () => loadConfig({ args: [], env: { QPQ_AUTH_TOKEN_FILE: join(folder, "absent") } }),
    wrong("E046_CONFIG", /QPQ_AUTH_TOKEN_FILE/),
  );
});

test("a switch is on by its flag alone, by its variable or by its key, and off by default", () => {
  const isOn = (args: string[], env = {}): boolean => loadConfig({ args, env }).allowUnprovenIdentity;
  assert.equal(isOn([]), false);
  assert.equal(isOn(["--allow-unproven-identity"]), true);
  assert.equal(isOn(["--allow-unproven-identity", "--port", "1"]), true);
  assert.equal(isOn([], { QPQ_ALLOW_UNPROVEN_IDENTITY: "true" }), true);
  assert.equal(isOn([], { QPQ_ALLOW_UNPROVEN_IDENTITY: "false" }), false);
  assert.equal(isOn(["--config", file("switch.toml", "allowUnprovenIdentity = true")]), true);
  for (const text of ["no", "0", "", "TRUE", "maybe"]) {
    const env = { QPQ_ALLOW_UNPROVEN_IDENTITY: text };
    assert.throws(() => isOn([], env), wrong("E046_CONFIG", /allowUnprovenIdentity/), text);
  }
  assert.throws(() => isOn(["--allow-unproven-identity", "false"]), wrong("E048_USAGE", /false/));
});

test("the cluster's store wants a database by variable or mounted file, and is not guessed from one", () => {
  const url = "postgres://qpq@db.example/mail";
  const mounted = file("password", "from-mount\n");
  const env = {
    QPQ_STORE: "cluster",
    QPQ_DATABASE_URL: url,
    QPQ_DATABASE_PASSWORD_FILE: mounted,
    QPQ_REDIS_URL_FILE: file("redis", "redis://:secret@cache.example\n"),
  };
  assert.deepEqual(loadConfig({ args: ["--redis-mode", "cluster", "--hot-tail", "on"], env }).cluster, {
    databaseUrl: url,
    databasePassword: "from-mount",
    databasePasswordFile: mounted,
    redisUrl: "redis://:secret@cache.example",
    redisMode: "cluster",
    hotTail: true,
  });
  assert.equal(loadConfig({ args: [], env: {} }).cluster, undefined);
  assert.equal(
    loadConfig({ args: [], env: { QPQ_STORE: "cluster", QPQ_DATABASE_URL: url } }).cluster?.redisUrl,
    undefined,
  );
  assert.throws(
    () => loadConfig({ args: ["--store", "cluster"], env: {} }),
    wrong("E046_CONFIG", /store=cluster needs QPQ_DATABASE_URL/),
  );
  // a server that kept its messages to itself would look well
  assert.throws(() => loadConfig({ args: [], env: { QPQ_DATABASE_URL: url } }), wrong("E046_CONFIG", /databaseUrl/));
  assert.throws(
    () => loadConfig({ args: [], env: { QPQ_REDIS_URL: "redis://canary" } }),
    (error) => wrong("E046_CONFIG", /redisUrl/)(error) && !(error as Error).message.includes("canary"),
  );
  for (const flag of ["--database-url", "--database-password", "--redis-url"]) {
    assert.throws(() => loadConfig({ args: [flag, "x"], env: {} }), wrong("E048_USAGE", /Unknown option/));
  }
});

test("an error about the configuration never shows the token", () => {
  const env = { QPQ_AUTH_TOKEN: "canary-token", QPQ_PORT: "no number" };
  assert.throws(
    () => loadConfig({ args: [], env }),
    (error) => error instanceof QpqError && !error.message.includes("canary-token"),
  );
});

test("the help names flag, variable and default of every setting, and no flag for a secret", () => {
  const help = describeConfig();
  assert.match(help, /--queue-depth-max\s+QPQ_QUEUE_DEPTH_MAX\s+1000/);
  assert.match(help, /QPQ_AUTH_TOKEN/);
  assert.doesNotMatch(help, /--auth-token/);
});
