/** The hot tail between two front-ends: what it answers, what it must not, and what becomes of readers when it fails. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { raiseStoreEpoch } from "../../src/store/index.ts";
import { RedisCluster, RedisProcess } from "../../testing/redis.ts";
import { inboxOf, seqsUpTo } from "../conformance/subject.ts";
import { until } from "./rig.ts";
import { alice, send, TailFrontEnds, TailReader, tailCounts } from "./tail-rig.ts";

const tailQuery = { inbox: alice, limit: 100, bytesMax: 1_000_000, inTail: true };

/** What a reader is answered that goes on behind `after`. */
async function tailOf(frontEnds: TailFrontEnds, after: bigint): Promise<bigint[]> {
  const { storeEpoch } = frontEnds;
  const answer = await frontEnds[0].log.readTail?.({ ...tailQuery, after, storeEpoch });
  return answer?.messages.map(({ seq }) => seq) ?? [];
}

async function sendMany(frontEnds: TailFrontEnds, count: number): Promise<void> {
  for (let i = 1; i <= count; i++) await send(frontEnds[0], frontEnds.message(`${i}`));
}

describe("what the hot tail answers", () => {
  for (const mode of ["single", "cluster"] as const) {
    for (const at of [0, 1] as const) {
      test(`a reader at ${at === 0 ? "the sender's" : "another"} front-end need not ask Postgres (${mode})`, async () => {
        await using redis = mode === "cluster" ? await RedisCluster.start() : await RedisProcess.start();
        await using frontEnds = await TailFrontEnds.open({ url: redis.url, mode });
        using reader = new TailReader(frontEnds[at]);
        await reader.sees(({ answers }) => answers.length === 1);
        await frontEnds.knowReader();
        const readsBefore = reader.logReads;
        const count = 30;
        for (let seq = 1; seq <= count; seq++) {
          await send(frontEnds[0], frontEnds.message(`${seq}`));
          await reader.sees(({ seqs }) => seqs.length === seq);
        }
        const all = seqsUpTo(count);
        assert.deepEqual([reader.seqs, reader.texts], [all, all.map(String)]);
        const { hits, misses } = tailCounts(frontEnds[at]);
        assert.equal(tailCounts(frontEnds[0]).written, count);
        // the words of who claims it are two hints; on a busy machine an answer may come too late, and Postgres tells
        assert.ok(hits > 0 && hits + misses >= count - 4, `${hits}, ${misses}`);
        assert.ok(reader.logReads - readsBefore <= 4 + 3 * misses, `${reader.logReads}, ${readsBefore}, ${misses}`);
      });
    }
  }

  test("a front-end that has not heard of a reader hears of it when that one reads on", async () => {
    await using redis = await RedisProcess.start();
    await using frontEnds = await TailFrontEnds.open(redis);
    using reader = new TailReader(frontEnds[1]);
    await reader.sees(({ answers }) => answers.length === 1);
    // the word that it subscribed is lost for who starts later
    await using late = await frontEnds.openAnother();
    let sent = 0;
    while (tailCounts(frontEnds[1]).hits === 0) {
      await send(late.store, frontEnds.message(`${++sent}`));
      await reader.sees(({ seqs }) => seqs.length === sent);
    }
    assert.deepEqual(reader.seqs, seqsUpTo(sent));
  });

  test("nothing is written for who does not subscribe", async () => {
    await using redis = await RedisProcess.start();
    await using frontEnds = await TailFrontEnds.open(redis);
    await frontEnds.knowReader(inboxOf("bob"));
    await sendMany(frontEnds, 5);
    assert.equal(redis.command("KEYS", "qpq:tail:*"), "");
  });

  test("no entry can be read before its commit", async () => {
    await using redis = await RedisProcess.start();
    await using frontEnds = await TailFrontEnds.open(redis);
    await frontEnds.knowReader();
    await using lock = await frontEnds.lockCommits();
    const sent = send(frontEnds[0], frontEnds.message("1"));
    await lock.isWaitedFor();
    // what another connection asked for later has been answered: the entry is not on its way
    await frontEnds[0].wakeups.subscribe(inboxOf("bob"), { onHint: () => undefined });
    assert.deepEqual(await tailOf(frontEnds, 0n), []);
    assert.equal(redis.command("KEYS", "qpq:tail:*"), "");
    await lock[Symbol.asyncDispose]();
    assert.equal((await sent).kind, "stored");
    assert.deepEqual(await tailOf(frontEnds, 0n), [1n]);
  });

  test("it ends in front of a hole, of what is over, and of what is too large", async () => {
    await using redis = await RedisProcess.start();
    await using frontEnds = await TailFrontEnds.open({ url: redis.url, hotTailPayloadBytesMax: 10 });
    await frontEnds.knowReader();
    await sendMany(frontEnds, 3);
    assert.deepEqual(await tailOf(frontEnds, 0n), [1n, 2n, 3n]);
    redis.command("XDEL", frontEnds.tailName(alice), "2-0");
    assert.deepEqual(await tailOf(frontEnds, 0n), [1n]);
    assert.deepEqual(await tailOf(frontEnds, 1n), []);
    const large = await send(frontEnds[0], frontEnds.message("more than ten bytes"));
    assert.equal(large.kind === "stored" && large.inTail, undefined);
    await send(frontEnds[0], frontEnds.message("5", { expiresAtMs: frontEnds.nowMs + 10 }));
    await send(frontEnds[0], frontEnds.message("6"));
    assert.deepEqual(await tailOf(frontEnds, 2n), [3n]);
    assert.deepEqual(await tailOf(frontEnds, 4n), [5n, 6n]);
    frontEnds.nowMs += 10;
    assert.deepEqual(await tailOf(frontEnds, 4n), []);
    assert.deepEqual(await tailOf(frontEnds, 5n), [6n]);
  });

  test("what is acknowledged, at whichever front-end, is no longer in it, nor given to a new subscription", async () => {
    await using redis = await RedisProcess.start();
    await using frontEnds = await TailFrontEnds.open(redis);
    await frontEnds.knowReader();
    await sendMany(frontEnds, 4);
    assert.equal(await frontEnds[1].log.ack(alice, 3n, frontEnds.storeEpoch), true);
    using reader = new TailReader(frontEnds[0]);
    await reader.sees(({ answers }) => answers.length > 0);
    assert.deepEqual(reader.seqs, [4n]);
    await until(() => redis.command("XLEN", frontEnds.tailName(alice)) === "1");
    assert.deepEqual(await tailOf(frontEnds, 0n), []);
    assert.deepEqual(await tailOf(frontEnds, 3n), [4n]);
  });

  test("after promote a reader with a cursor of before is told epochReset, and misses nothing", async () => {
    await using redis = await RedisProcess.start();
    await using frontEnds = await TailFrontEnds.open(redis);
    using reader = new TailReader(frontEnds[1]);
    await reader.sees(({ answers }) => answers.length === 1);
    await frontEnds.knowReader();
    await sendMany(frontEnds, 5);
    await reader.sees(({ seqs }) => seqs.length === 5);
    // a standby took over that lacked the last 3; others have their numbers, and one more
    await frontEnds.database.query("DELETE FROM message WHERE seq > 2");
    await frontEnds.database.query("UPDATE inbox SET last = 2");
    await frontEnds.database.query("DELETE FROM dedupe WHERE seq > 2");
    await raiseStoreEpoch({ url: frontEnds.database.url, clock: () => frontEnds.nowMs });
    for (const text of ["new 3", "new 4", "new 5"]) await frontEnds[0].log.append(frontEnds.message(text));
    await send(frontEnds[0], frontEnds.message("new 6"));
    await reader.sees(({ texts }) => texts.at(-1) === "new 6");
    assert.deepEqual(reader.texts.slice(5), ["1", "2", "new 3", "new 4", "new 5", "new 6"]);
    assert.ok(reader.answers.some(({ gap }) => gap.kind === "epochReset"));
  });
});

describe("readers while the hot tail fails", () => {
  for (const mode of ["single", "cluster"] as const) {
    test(`FLUSHALL at any moment: every message comes once and in order (${mode})`, async () => {
      await using redis = mode === "cluster" ? await RedisCluster.start() : await RedisProcess.start();
      await using frontEnds = await TailFrontEnds.open({ url: redis.url, mode });
      using reader = new TailReader(frontEnds[1]);
      await reader.sees(({ answers }) => answers.length === 1);
      await frontEnds.knowReader();
      const nodes = redis instanceof RedisProcess ? [redis] : redis.nodes;
      const count = 200;
      for (let i = 1; i <= count; i++) {
        const sent = [frontEnds[0], frontEnds[1]].map((store) => send(store, frontEnds.message(`${i}`)));
        if (i % 20 === 0) for (const node of nodes) node.command("FLUSHALL");
        await Promise.all(sent);
      }
      await reader.sees(({ seqs }) => seqs.length >= 2 * count);
      assert.deepEqual(reader.seqs, seqsUpTo(2 * count));
      assert.ok(tailCounts(frontEnds[1]).hits > 0);
    });
  }

  test("killed, and standing still: every message comes once and in order", async () => {
    await using redis = await RedisProcess.start();
    await using frontEnds = await TailFrontEnds.open(redis);
    using reader = new TailReader(frontEnds[1]);
    await reader.sees(({ answers }) => answers.length === 1);
    await frontEnds.knowReader();
    let sent = 0;
    const sendSome = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await send(frontEnds[i % 2 === 0 ? 0 : 1], frontEnds.message(`${++sent}`));
    };
    const isUp = (): boolean => frontEnds.stores.every((store) => store.condition().redis === "up");
    for (const fail of [() => redis.pause(), () => redis.kill()]) {
      await sendSome();
      const failed = fail();
      await sendSome();
      await failed;
      await until(() => !isUp());
      await sendSome();
      redis.resume();
      if (redis.pid === undefined) await redis.startAgain();
      await until(isUp);
      await sendSome();
      await reader.sees(({ seqs }) => seqs.length >= sent);
    }
    assert.deepEqual(reader.seqs, seqsUpTo(sent));
  });

  test("what Redis did not take is told again: who has read what stands before it does not rest", async () => {
    await using redis = await RedisProcess.start();
    await using frontEnds = await TailFrontEnds.open(redis);
    const taken = Promise.withResolvers<void>();
    using reader = new TailReader(frontEnds[1], { windowBytes: 10, taken: taken.promise });
    await reader.sees(({ answers }) => answers.length === 1);
    await frontEnds.knowReader();
    // it fills the window
    await send(frontEnds[0], frontEnds.message("ten bytes."));
    await reader.sees(({ seqs }) => seqs.length === 1);
    await send(frontEnds[0], frontEnds.message("2"));
    await until(() => tailCounts(frontEnds[0]).written === 2);
    redis.command("CONFIG", "SET", "maxmemory", "1");
    const last = await send(frontEnds[0], frontEnds.message("3"));
    assert.deepEqual(last, { kind: "stored", seq: 3n, inTail: true });
    taken.resolve();
    await reader.sees(({ seqs }) => seqs.length === 3);
    assert.deepEqual(reader.seqs, seqsUpTo(3));
    assert.equal(tailCounts(frontEnds[0]).written, 2);
  });
});
