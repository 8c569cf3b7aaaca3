/** A disk that is full, and one that fails: never a false acknowledgement, and the log goes on when it can. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SyncFailed } from "../../src/store/log/journal.ts";
import { randomOf, seed } from "../../testing/seed.ts";
import { hasCode } from "../conformance/codes.ts";
import { makeLogPlace } from "../conformance/folder-place.ts";
import { inboxOf, seqsOf, seqsUpTo, startMs } from "../conformance/subject.ts";
import { folder, LogRig } from "./log-rig.ts";
import { UnsureDisk } from "./unsure-disk.ts";

const alice = inboxOf("alice");
const query = { inbox: alice, after: 0n, storeEpoch: 0n, limit: 10_000, bytesMax: 2 ** 30 };

const isFull = hasCode("E035_STORE_FULL");

describe("the message log on a failing disk", () => {
  test("with writes that find no room now and then, what was refused was not done, and what was answered stands", (t) => {
    t.diagnostic(`SEED=${seed}`);
    const random = randomOf(seed);
    const disk = new UnsureDisk();
    const rig = new LogRig(disk, 1_000);
    let durable = rig.describe();
    let refused = 0;
    for (let round = 0; round < 1_500; round++) {
      disk.failing = (what) => what === "write" && random() < 0.1;
      try {
        rig.fill(random);
        const attempted = rig.describe("sent");
        rig.writer.commit(rig.nowMs);
        durable = attempted;
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
        refused++;
        rig.restore();
      }
      disk.failing = undefined;
      rig.tend(random);
      assert.equal(rig.describe(), durable);
    }
    assert.ok(refused > 50);
    assert.equal(new LogRig(disk.afterPowerCut(random), rig.nowMs).describe(), durable);
  });

  test("after a sync that failed the file is not trusted: the next process makes sure of what it goes on with", (t) => {
    t.diagnostic(`SEED=${seed}`);
    const random = randomOf(seed);
    let disk = new UnsureDisk();
    let nowMs = 1_000;
    for (let life = 0; life < 60; life++) {
      const rig = new LogRig(disk, nowMs);
      let durable = rig.describe();
      let attempted = durable;
      assert.equal(
        new LogRig(disk.afterPowerCut(random), nowMs).describe(),
        durable,
        "what it began with could be lost",
      );
      let batches = Math.floor(random() * 6);
      try {
        for (;;) {
          rig.fill(random);
          attempted = rig.describe("sent");
          if (batches-- === 0) disk.failing = (what) => what === "sync";
          rig.writer.commit(rig.nowMs);
          durable = attempted;
          rig.tend(random);
        }
      } catch (error) {
        // of a batch, or of a new segment or a checkpoint, in which nothing stands yet
        assert.ok(error instanceof SyncFailed || (error as NodeJS.ErrnoException).code === "EIO");
      }
      nowMs = rig.nowMs;
      disk = disk.afterKill();
      const found = new LogRig(disk.afterKill(), nowMs).describe();
      assert.ok(found === durable || found === attempted);
    }
  });

  test("a checkpoint that finds no room takes the log's reserve, so that segments can go", () => {
    const random = randomOf(3);
    const disk = new UnsureDisk();
    const rig = new LogRig(disk, 1_000);
    const reserve = () => disk.files.list(folder).includes("reserve");
    for (let round = 0; round < 400 && !(reserve() && rig.checkpointDue !== undefined); round++) {
      rig.fill(random);
      rig.writer.commit(rig.nowMs);
      rig.tend(random);
    }
    assert.ok(reserve());
    const due = rig.checkpointDue as number;
    disk.failing = (what) => what === "write" && reserve();
    rig.makeCheckpoint(due);
    assert.ok(!reserve());
    disk.failing = undefined;
    const before = disk.files.list(folder).length;
    rig.writer.upkeep.checkpointEnded();
    assert.ok(reserve());
    assert.ok(disk.files.list(folder).length <= before);
    assert.equal(new LogRig(disk.afterKill(), rig.nowMs).describe(), rig.describe());
  });

  test("full it answers E035, loses nothing acknowledged, and takes messages again once others are acknowledged", async () => {
    await using place = await makeLogPlace();
    const store = await place.open({ fileBytesMax: 1_000_000, segmentBytesMax: 100_000 });
    const append = () =>
      store.log.append({
        inbox: alice,
        payload: new Uint8Array(10_000),
        messageId: undefined,
        expiresAtMs: startMs + 1_000,
      });
    let acknowledged = 0;
    const fill = async (): Promise<void> => {
      for (;;) {
        await append();
        acknowledged++;
      }
    };
    await assert.rejects(fill(), isFull);
    assert.ok(acknowledged > 50);
    assert.deepEqual(seqsOf(await store.log.read(query)), seqsUpTo(acknowledged));
    await assert.rejects(append(), isFull);
    await store.log.ack(alice, BigInt(acknowledged - 5), 0n);
    // Segments go behind the next checkpoint; the refused ones used up no seq.
    for (;;) {
      await store.log.sweep(100);
      const answer = await append().catch((error) => assert.ok(isFull(error)));
      if (answer === undefined) continue;
      assert.deepEqual(answer, { kind: "stored", seq: BigInt(acknowledged + 1) });
      break;
    }
    assert.equal(seqsOf(await store.log.read(query)).length, 6);
  });
});
