/** Tries of a password are counted by all front-ends together, over Redis. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { TestLogin } from "../../testing/opaque-client.ts";
import { sharedPostgres } from "../../testing/postgres.ts";
import { RedisProcess } from "../../testing/redis.ts";
import { startServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "../e2e/raw-client.ts";

const attemptsMax = 300;

test("who has used up the tries of a name at one front-end gets a fraction of them at the next", async () => {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  await using redis = await RedisProcess.start();
  const settings = {
    "login-attempts-per-minute": attemptsMax,
    "login-address-attempts-per-minute": 1_000_000,
    "login-account-attempts-per-minute": 1_000_000,
  };
  const start = () => startServerProcess({ cluster: { databaseUrl, redisUrl: redis.url }, settings });
  await using here = await start();
  await using there = await start();
  const { request } = new TestLogin("wrong");
  /** How many are answered until one is refused. */
  const tryAt = async (server: Awaited<ReturnType<typeof start>>): Promise<number> => {
    using client = await RawClient.connect(server, { token: "" });
    for (let answered = 0; ; answered++) {
      try {
        await client.call("opaqueLoginStart", { username: "alice", request });
      } catch (error) {
        assert.ok(error instanceof QpqError && error.code === "E018_RATE_LIMIT", String(error));
        return answered;
      }
    }
  };
  assert.ok((await tryAt(here)) >= attemptsMax);
  const answered = await tryAt(there);
  assert.ok(answered < (attemptsMax * 2) / 3, `${answered} of ${attemptsMax}`);
});
