/** Front-ends of one store, restarted one after the other while everybody goes on: nobody notices but for a moment. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { sharedPostgres } from "../../testing/postgres.ts";
import { RedisProcess } from "../../testing/redis.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { faultsOf, Ledger, noFaults } from "../crash/ledger.ts";
import { until } from "../workers/rig.ts";
import { FollowingReader, RatedSender } from "./followers.ts";

const frontEndCount = 3;
const senderCount = 20;
const readerCount = 6;
const messagesPerSecond = 500;
/** Between two restarts. */
const acknowledgedBetween = 600;

const folder = mkdtempSync(join(tmpdir(), "qpq-rolling-"));
after(() => rmSync(folder, { recursive: true }));

test("three front-ends restarted in turn under 500 messages a second: 0 lost, 0 doubled, no call beyond its deadline", async (t) => {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  await using redis = await RedisProcess.start();
  const cluster = { databaseUrl, redisUrl: redis.url };
  const settings = { "queue-depth-max": 1_000_000, "sender-messages-per-second": 1_000_000 };
  await using running = new AsyncDisposableStack();
  const start = async (i: number, port?: number): Promise<ServerProcess> => {
    const dataDir = join(folder, String(i));
    // certificate and secrets are those of the first
    if (i > 0 && port === undefined) cpSync(join(folder, "0"), dataDir, { recursive: true });
    return running.use(await startServerProcess({ dataDir, cluster, settings, ...(port && { port }) }));
  };
  const frontEnds: ServerProcess[] = [];
  for (let i = 0; i < frontEndCount; i++) frontEnds.push(await start(i));
  const ledger = new Ledger();
  const senders = Array.from({ length: senderCount }, (_, i) => new RatedSender(frontEnds, i, ledger));
  const readers = Array.from({ length: readerCount }, (_, index) => {
    return new FollowingReader(frontEnds, { of: readerCount, index }, ledger);
  });
  const reading = Promise.all(readers.map((reader) => reader.run()));
  let next = 0;
  const everyMs = (senderCount * 1_000) / messagesPerSecond;
  const sending = Promise.all(senders.map((sender) => sender.run(() => next++, everyMs)));
  const total = (count: (sender: RatedSender) => number): number => senders.reduce((sum, one) => sum + count(one), 0);
  const acknowledged = (): number => total((sender) => sender.acknowledged);

  for (const [i, frontEnd] of frontEnds.entries()) {
    const soon = acknowledged() + acknowledgedBetween;
    await until(() => acknowledged() >= soon);
    assert.equal(await frontEnd.kill("SIGTERM"), 0);
    await start(i, frontEnd.port);
  }
  const last = acknowledged() + acknowledgedBetween;
  await until(() => acknowledged() >= last);
  for (const sender of senders) sender.stop();
  await sending;
  await until(() => ledger.verdict().lost.length === 0);
  for (const reader of readers) reader.stop();
  await reading;

  const took = senders.flatMap(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const at = (q: number): string => `${took[Math.min(took.length - 1, Math.floor(q * took.length))]?.toFixed(0)} ms`;
  t.diagnostic(`${took.length} acknowledged, from due to answered p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)}`);
  const toldToGo = readers.reduce((sum, reader) => sum + reader.toldToGo, 0);
  t.diagnostic(`${total(({ moves }) => moves)} moves of senders, ${toldToGo} subscriptions told to go elsewhere`);
  assert.deepEqual(faultsOf(ledger.verdict()), noFaults);
  assert.equal(
    total(({ late }) => late),
    0,
  );
  assert.ok(total(({ moves }) => moves) >= senderCount && toldToGo > 0);
});
