/** A server whose settings file changes while it runs: SIGHUP takes limits and log level, and says what must wait. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { sharedPostgres } from "../../testing/postgres.ts";
import { RedisProcess } from "../../testing/redis.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { codeOf } from "../e2e/code-of.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { linesOf, pidOf, until } from "./rig.ts";

class SettingsFile {
  readonly #file: string;

  constructor(test: TestContext, settings: Readonly<Record<string, string | number>>) {
    const folder = mkdtempSync(join(tmpdir(), "qpq-settings-"));
    test.after(() => rmSync(folder, { recursive: true }));
    this.#file = join(folder, "qpq-server.toml");
    this.write(settings);
  }

  get flag() {
    return { config: this.#file };
  }

  write(settings: Readonly<Record<string, string | number>>): void {
    writeFileSync(
      this.#file,
      Object.entries(settings)
        .map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`)
        .join(""),
    );
  }
}

/** Until the server has told that many more lines of it, in its log and its audit log. */
async function hangUp(server: ServerProcess, event: string, lines: number): Promise<void> {
  const before = linesOf(server, event).length;
  void server.kill("SIGHUP");
  await until(() => linesOf(server, event).length === before + lines);
}

/** Each of some connections, which the kernel gives to any of the workers. */
async function sent(server: ServerProcess, bytes: number, count = 8): Promise<string[]> {
  const codes = new Set<string>();
  for (let i = 0; i < count; i++) {
    using client = await RawClient.connect(server);
    codes.add(
      await codeOf(client.call("enqueue", { recipientKey: Buffer.alloc(32, 3), payload: Buffer.alloc(bytes, 1) })),
    );
  }
  return [...codes];
}

for (const workers of [1, 2]) {
  describe(`with ${workers} ${workers === 1 ? "process" : "workers"}`, () => {
    test("SIGHUP: a limit holds from now on, for who is there and for who comes; the log names it", async (t) => {
      const file = new SettingsFile(t, { payloadBytesMax: 1_000 });
      await using server = await startServerProcess({ settings: { workers, ...file.flag } });
      using there = await RawClient.connect(server);
      const message = { recipientKey: Buffer.alloc(32, 3), payload: Buffer.alloc(2_000, 1) };
      assert.equal(await codeOf(there.call("enqueue", message)), "E008_PAYLOAD_TOO_LARGE");
      file.write({ payloadBytesMax: 3_000 });
      await hangUp(server, "settings_reloaded", 2);
      assert.equal(await codeOf(there.call("enqueue", message)), "accepted");
      assert.deepEqual(await sent(server, 2_000), ["accepted"]);
      assert.deepEqual(await sent(server, 3_001), ["E008_PAYLOAD_TOO_LARGE"]);
      const [told] = linesOf(server, "settings_reloaded");
      assert.deepEqual([told?.["count"], told?.["reason"]], [1, "payloadBytesMax"]);
    });

    test("SIGHUP: a rate holds from now on, for who has used some of it too", async (t) => {
      const file = new SettingsFile(t, {});
      await using server = await startServerProcess({ settings: { workers, ...file.flag } });
      using client = await RawClient.connect(server);
      const message = { recipientKey: Buffer.alloc(32, 4), payload: Buffer.from("x") };
      for (let i = 0; i < 20; i++) assert.equal(await codeOf(client.call("enqueue", message)), "accepted");
      // a second each: nothing comes back within the test, or far less than it asks for
      file.write({ inboxMessagesPerSecond: 1, inboxMessagesBurst: 10 });
      await hangUp(server, "settings_reloaded", 2);
      const codes = [];
      for (let i = 0; i < 400; i++) codes.push(await codeOf(client.call("enqueue", message)));
      assert.ok(codes.filter((code) => code === "E018_RATE_LIMIT").length > 200, String(codes.length));
    });

    test("settings that are wrong change nothing, and the next right ones do", async (t) => {
      const file = new SettingsFile(t, { payloadBytesMax: 1_000 });
      await using server = await startServerProcess({ settings: { workers, ...file.flag } });
      for (const wrong of [
        { payloadBytesMax: -1 },
        { payloadBytesMax: 3_000, logLevel: "loud" },
        { paylodBytesMax: 3_000 },
      ]) {
        file.write(wrong);
        await hangUp(server, "settings_refused", 2);
        assert.deepEqual(await sent(server, 2_000), ["E008_PAYLOAD_TOO_LARGE"]);
      }
      const reasons = linesOf(server, "settings_refused").flatMap(({ stream, errorText }) =>
        stream ? [] : [errorText],
      );
      for (const [i, words] of [
        /payloadBytesMax: must be a whole number/,
        /logLevel/,
        /unknown key paylodBytesMax/,
      ].entries()) {
        assert.match(String(reasons[i]), words);
      }
      file.write({ payloadBytesMax: 3_000 });
      await hangUp(server, "settings_reloaded", 2);
      assert.deepEqual(await sent(server, 2_000), ["accepted"]);
    });

    test("what the store was opened with, and what a restart alone changes, is named and stays as it was", async (t) => {
      const file = new SettingsFile(t, { queueDepthMax: 5 });
      await using server = await startServerProcess({ settings: { workers, ...file.flag } });
      file.write({ queueDepthMax: 50, waitersMax: 7, payloadBytesMax: 3_000 });
      await hangUp(server, "settings_need_restart", 1);
      assert.equal(linesOf(server, "settings_need_restart")[0]?.["reason"], "waitersMax queueDepthMax");
      const [told] = linesOf(server, "settings_reloaded");
      assert.equal(told?.["reason"], "payloadBytesMax");
      assert.deepEqual(await sent(server, 10, 5), ["accepted"]);
      assert.deepEqual(await sent(server, 10, 1), ["E009_QUEUE_FULL"]);
    });
  });
}

test("a worker that takes a dead one's place has the limits of now", async (t) => {
  const file = new SettingsFile(t, { payloadBytesMax: 1_000 });
  await using server = await startServerProcess({ settings: { workers: 2, ...file.flag } });
  file.write({ payloadBytesMax: 3_000 });
  await hangUp(server, "settings_reloaded", 2);
  for (const worker of ["0", "1"]) {
    const pid = pidOf(server, worker);
    process.kill(pid, "SIGKILL");
    await until(() => pidOf(server, worker) !== pid);
  }
  assert.deepEqual(await sent(server, 2_000), ["accepted"]);
});

test("SIGHUP: the log level holds in every process", async (t) => {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  await using redis = await RedisProcess.start();
  const file = new SettingsFile(t, { logLevel: "silent" });
  await using server = await startServerProcess({
    cluster: { databaseUrl, redisUrl: redis.url },
    settings: { workers: 2, ...file.flag },
  });
  const told = (event: string): unknown[] =>
    linesOf(server, event)
      .filter(({ stream }) => stream === undefined)
      .map(({ worker }) => worker)
      .sort();
  file.write({ logLevel: "error" });
  // the audit log has no level
  await hangUp(server, "settings_reloaded", 1);
  await redis.kill();
  await until(() => told("store_part_lost").length === 2);
  assert.deepEqual(told("store_part_lost"), ["0", "1"]);
  assert.deepEqual(told("process_started"), []);
});
