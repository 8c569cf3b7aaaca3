/** Several front-ends on one database: what each promises holds for all of them together. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { InboxKey } from "quicproquo-proto";
import { type PostgresStore, raiseStoreEpoch } from "../../src/store/index.ts";
import type { Append } from "../../src/store/port.ts";
import { randomOf, seed } from "../../testing/seed.ts";
import { hasCode } from "./codes.ts";
import { FrontEnds, message } from "./postgres-front-ends.ts";
import { identityOf, inboxOf, messageIdOf, seqsUpTo, startMs } from "./subject.ts";

const alice = inboxOf("alice");

async function readAll(store: PostgresStore, inbox: InboxKey): Promise<string[]> {
  const query = { inbox, after: 0n, storeEpoch: 0n, limit: 1_000_000, bytesMax: 2 ** 30 };
  return (await store.log.read(query)).messages.map(({ payload }) => new TextDecoder().decode(payload));
}

describe("front-ends on one Postgres", () => {
  test("one message id at two front-ends at once is one message, and both answer its seq", async () => {
    await using frontEnds = await FrontEnds.open(2);
    const calls = Array.from({ length: 600 }, (_, i) => frontEnds.at(i).log.append(message(alice, "x", `${i % 150}`)));
    const answers = await Promise.all(calls);
    const stored = answers.flatMap((answer) => (answer.kind === "stored" ? [answer.seq] : []));
    assert.deepEqual(
      stored.sort((a, b) => Number(a - b)),
      seqsUpTo(150),
    );
    const seqOf = new Map<number, bigint>();
    for (const [i, answer] of answers.entries()) {
      assert.ok(answer.kind !== "full");
      assert.equal(seqOf.get(i % 150) ?? answer.seq, answer.seq);
      seqOf.set(i % 150, answer.seq);
    }
    assert.equal((await readAll(frontEnds.at(0), alice)).length, 150);
  });

  test("messages that one sender has in flight keep their order, among others and within calls to many inboxes", async () => {
    await using frontEnds = await FrontEnds.open(1);
    const { log } = frontEnds.at(0);
    const random = randomOf(seed);
    const crowd = Array.from({ length: 30 }, (_, i) => inboxOf(`crowd ${i}`));
    const expected: string[] = [];
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 4_000; i++) {
      const text = `${i}`;
      const others = crowd.filter(() => random() < 0.1).map((inbox) => message(inbox, text));
      const own = message(alice, text);
      // some turns end in between, so that batches are under way while the next ones gather
      if (random() < 0.02) await new Promise((resolve) => setImmediate(resolve));
      if (random() < 0.2) calls.push(log.appendAll([...others, own]));
      else {
        for (const other of others) calls.push(log.append(other));
        calls.push(log.append(own));
      }
      expected.push(text);
    }
    await Promise.all(calls);
    assert.deepEqual(await readAll(frontEnds.at(0), alice), expected, `SEED=${seed}`);
    for (const inbox of crowd) {
      const texts = (await readAll(frontEnds.at(0), inbox)).map(Number);
      assert.deepEqual(
        texts,
        [...texts].sort((a, b) => a - b),
        `SEED=${seed}`,
      );
    }
  });

  test("batches, acks, commits and sweeps of 3 front-ends over the same inboxes never lock each other out", async () => {
    await using frontEnds = await FrontEnds.open(3);
    const random = randomOf(seed);
    let inboxes: InboxKey[] = [];
    const some = () => inboxes.filter(() => random() < 0.5).sort(() => random() - 0.5);
    const payload = new Uint8Array(300);
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 900; i++) {
      const { log } = frontEnds.at(i);
      // new ones again and again, among those that are there: the first message of an inbox makes its row
      if (i % 3 === 0) inboxes = [...inboxes.slice(-11), inboxOf(`inbox ${i}`)];
      const entries = some().map((inbox) => ({ ...message(inbox, ""), payload, expiresAtMs: startMs + (i % 3) }));
      if (i % 9 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (i % 10 === 0) calls.push(log.sweep(50));
      if (i % 10 === 1) calls.push(...some().map((inbox) => log.ack(inbox, BigInt(i), 0n)));
      else if (i % 2 === 0) calls.push(log.commitGroup(commitOf(`${i}`, entries)));
      else calls.push(log.appendAll(entries));
    }
    await Promise.all(calls);
    for (const store of frontEnds.stores) await store.close();
    // counted when a session ends at the latest
    const { name } = frontEnds.database;
    const counts = await frontEnds.database.query("SELECT deadlocks FROM pg_stat_database WHERE datname = $1", [name]);
    assert.deepEqual(counts, [{ deadlocks: "0" }], `SEED=${seed}`);
  });

  test("a raised epoch is known to every front-end at once: readers are told, and old acks remove nothing", async () => {
    await using frontEnds = await FrontEnds.open(2);
    const { log } = frontEnds.at(1);
    await frontEnds.at(0).log.appendAll([message(alice, "1"), message(alice, "2")]);
    const query = { inbox: alice, after: 2n, limit: 10, bytesMax: 100 };
    const { storeEpoch: before } = await log.read({ ...query, storeEpoch: 0n });
    const { to: raised } = await raiseStoreEpoch({ url: frontEnds.database.url, clock: () => startMs });
    assert.ok(raised > before);
    assert.equal(await log.ack(alice, 2n, before), false);
    const told = await log.read({ ...query, storeEpoch: before });
    assert.deepEqual([told.gap.kind, told.messages.length, told.storeEpoch], ["epochReset", 2, raised]);
    assert.equal(await log.ack(alice, 2n, raised), true);
  });

  test("of many parked inboxes those are named that have something behind the cursor", async () => {
    await using frontEnds = await FrontEnds.open(2);
    const { log } = frontEnds.at(0);
    const [read, unread, gone, bob] = ["read", "unread", "gone", "bob"].map(inboxOf) as [
      InboxKey,
      InboxKey,
      InboxKey,
      InboxKey,
    ];
    for (const inbox of [read, unread, gone]) await log.appendAll([message(inbox, "1"), message(inbox, "2")]);
    await log.ack(gone, 2n, 0n);
    const { storeEpoch } = await log.read({ inbox: read, after: 0n, storeEpoch: 0n, limit: 1, bytesMax: 1 });
    const cursors = [
      { inbox: read, after: 2n, storeEpoch },
      { inbox: unread, after: 1n, storeEpoch },
      { inbox: gone, after: 0n, storeEpoch },
      { inbox: bob, after: 0n, storeEpoch: 0n },
    ];
    assert.deepEqual(await frontEnds.at(1).readHeads(cursors), [unread]);
    const ofAnotherTime = cursors.map((cursor) => ({ ...cursor, after: 9n, storeEpoch: storeEpoch - 1n }));
    assert.deepEqual(await frontEnds.at(1).readHeads(ofAnotherTime), [read, unread]);
    assert.deepEqual(await frontEnds.at(1).readHeads([]), []);
    const tooMany = Array.from({ length: 1_001 }, () => ({ inbox: alice, after: 0n, storeEpoch }));
    await assert.rejects(frontEnds.at(1).readHeads(tooMany), hasCode("E021_OVERLOADED"));
  });

  test("of sweepers at once each row has one, and together they leave nothing", async () => {
    await using frontEnds = await FrontEnds.open(3);
    const payload = new Uint8Array(300);
    const inboxes = Array.from({ length: 100 }, (_, i) => inboxOf(`inbox ${i}`));
    for (let i = 0; i < 10; i++) {
      const entries = inboxes.map((inbox) => ({ ...message(inbox, ""), payload, expiresAtMs: startMs - 1 }));
      await frontEnds.at(i).log.appendAll(entries);
    }
    // 1,000 messages and 10 releases of their payloads for each inbox that lets go of them at once
    let rows = 0;
    for (let idle = 0; idle < 2; ) {
      const swept = await Promise.all(frontEnds.stores.map((store) => store.log.sweep(64)));
      rows += swept.reduce((sum, count) => sum + count, 0);
      idle = swept.every((count) => count === 0) ? idle + 1 : 0;
    }
    assert.ok(rows >= 1_000 && rows <= 2_000, `${rows} rows`);
    const left = await frontEnds.database.query(`
      SELECT (SELECT count(*) FROM message) + (SELECT count(*) FROM shared_payload)
        + (SELECT count(*) FROM shared_payload_release) AS count`);
    assert.deepEqual(left, [{ count: "0" }]);
  });
});

function commitOf(name: string, entries: readonly Append[]) {
  const hash = new Uint8Array(32);
  return {
    groupId: identityOf(name),
    epoch: 0n,
    proofHash: hash,
    nextProofHash: hash,
    messageId: messageIdOf(name),
    entries,
  };
}
