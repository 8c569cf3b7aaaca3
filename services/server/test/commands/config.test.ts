/** `qpq-server config`: what applies, where it came from, and a schema that takes what a start takes. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { loadConfig, readConfig } from "../../src/config.ts";
import { settingsSchema } from "../../src/settings-schema.ts";
import { runCommand } from "../cluster/run-command.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-config-command-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe("config print", () => {
  test("names of each setting the source that had the last word", async () => {
    const path = file("some.toml", "port = 1\nopsPort = 2\nqueueDepthMax = 3\n");
    const env = { QPQ_PORT: "10", QPQ_OPS_PORT: "20", QPQ_AUTH_TOKEN_FILE: file("token", "canary") };
    const { words, code } = await runCommand(["config", "print", "--config", path, "--port", "11", "--json"], env);
    assert.equal(code, 0);
    const rows: readonly { name: string; value?: unknown; from: string }[] = JSON.parse(words);
    const fromOf = (name: string) => rows.find((row) => row.name === name);
    assert.deepEqual(fromOf("port"), { name: "port", value: 11, from: "--port" });
    assert.deepEqual(fromOf("opsPort"), { name: "opsPort", value: 20, from: "QPQ_OPS_PORT" });
    assert.deepEqual(fromOf("queueDepthMax"), { name: "queueDepthMax", value: 3, from: path });
    assert.deepEqual(fromOf("waitersMax"), { name: "waitersMax", value: 100_000, from: "default" });
    assert.deepEqual(fromOf("authToken"), { name: "authToken", secret: true, from: "QPQ_AUTH_TOKEN_FILE" });
  });

  test("shows no secret, whichever way it was given", async () => {
    const env = {
      QPQ_STORE: "cluster",
      QPQ_DATABASE_URL: "postgres://canary@127.0.0.1/canary",
      QPQ_REDIS_URL: "redis://:canary@127.0.0.1",
      QPQ_DATABASE_PASSWORD_FILE: file("password", "canary"),
      QPQ_OPAQUE_SETUP: "canary",
    };
    const path = file("secret.toml", 'authToken = "canary"\n');
    for (const more of [[], ["--json"]]) {
      const { words, errors, code } = await runCommand(["config", "print", "--config", path, ...more], env);
      assert.equal(code, 0, errors);
      assert.doesNotMatch(words + errors, /canary/);
      assert.match(words, /redisUrl/);
    }
  });

  test("writes a settings file that means the same", async () => {
    const args = ["--port", "11", "--allow-unproven-identity", "--server-id", "00ff0102030405ab"];
    const { words } = await runCommand(["config", "print", ...args, "--data-dir", 'a "quoted" \\ folder']);
    const again = loadConfig({ args: ["--config", file("printed.toml", words)], env: {} });
    assert.deepEqual(again, loadConfig({ args: [...args, "--data-dir", 'a "quoted" \\ folder'], env: {} }));
  });
});

describe("config check", () => {
  test("ends with 0 where a start takes the settings and with the code where it does not, and makes no file", async () => {
    const dataDir = join(folder, "absent");
    const taken = await runCommand(["config", "check", "--data-dir", dataDir]);
    assert.deepEqual([taken.code, taken.errors], [0, ""]);
    const refused = await runCommand(["config", "check", "--data-dir", dataDir, "--dedupe-window-secs", "60"]);
    assert.equal(refused.code, 1);
    assert.match(refused.errors, /E046_CONFIG dedupeWindowSecs/);
    const unfit = await runCommand(["config", "check", "--data-dir", dataDir, "--production"]);
    assert.equal(unfit.code, 1);
    assert.match(unfit.errors, /E046_CONFIG.*\n.*there is no certificate/);
    assert.throws(() => rmSync(dataDir, { recursive: true }), /ENOENT/);
  });

  test("another word than print, check and schema is a wrong usage that names them", async () => {
    const { code, errors } = await runCommand(["config", "show"]);
    assert.equal(code, 2);
    assert.match(errors, /E048_USAGE.*config print, config check or config schema/);
  });
});

describe("config schema", () => {
  type Property = { minimum?: number; maximum?: number; enum?: string[]; type?: string; default?: unknown };
  const { properties } = settingsSchema() as { properties: Record<string, Property> };
  const isTaken = (name: string, value: unknown): boolean => {
    try {
      readConfig({ args: ["--config", file("one.toml", `${name} = ${JSON.stringify(value)}\n`)], env: {} });
      return true;
    } catch {
      return false;
    }
  };
  // these two are bound to each other as well, which no schema of one property can say
  const bound = new Set(["dedupeWindowSecs", "messageLifeSecs"]);

  test("of a number has the bounds that a start has", () => {
    const numbers = Object.entries(properties).filter(([name, { type }]) => type === "integer" && !bound.has(name));
    assert.ok(numbers.length > 40);
    for (const [name, { minimum = 0, maximum = 2 ** 50 }] of numbers) {
      assert.ok(isTaken(name, minimum), `${name} = ${minimum}`);
      assert.ok(isTaken(name, maximum), `${name} = ${maximum}`);
      assert.ok(!isTaken(name, minimum - 1), `${name} = ${minimum - 1}`);
      if (properties[name]?.maximum !== undefined) assert.ok(!isTaken(name, maximum + 1), `${name} = ${maximum + 1}`);
    }
  });

  test("has every default, takes each of an enumeration's words and no other, and is what the command prints", async () => {
    for (const { name, value, from } of readConfig({ args: [], env: {} }).inForce) {
      assert.equal(from, "default");
      if (value !== undefined) assert.equal(String(properties[name]?.default), String(value), name);
    }
    for (const [name, property] of Object.entries(properties)) {
      if (property.enum === undefined || name === "store") continue;
      for (const word of property.enum) assert.ok(isTaken(name, word), `${name} = ${word}`);
      assert.ok(!isTaken(name, "another"), name);
    }
    const { words } = await runCommand(["config", "schema"]);
    assert.deepEqual(JSON.parse(words), JSON.parse(JSON.stringify(settingsSchema())));
  });
});
