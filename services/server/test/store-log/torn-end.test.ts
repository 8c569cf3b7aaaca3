/** What recovery makes of a file whose end, or middle, is not what was written. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { segmentPath } from "../../src/store/log/files.ts";
import { hasCode } from "../conformance/codes.ts";
import { inboxOf } from "../conformance/subject.ts";
import { folder, LogRig } from "./log-rig.ts";
import { UnsureDisk } from "./unsure-disk.ts";

const first = segmentPath(folder, 1);
const alice = inboxOf("alice");

/** A log of some batches; where the last one begins and ends, and the states before and after it. */
function logOf(batches: number, payload: Uint8Array = Buffer.alloc(40, 7)) {
  const disk = new UnsureDisk();
  const rig = new LogRig(disk, 1_000, 1_000_000);
  let [before, start] = ["", 0];
  for (let i = 0; i < batches; i++) {
    [before, start] = [rig.describe(), rig.writer.journal.written.offset];
    rig.writer.prepare({ calls: 3, bytes: 500 + payload.length, grows: true });
    for (const inbox of ["alice", "bob", "alice"].map(inboxOf)) {
      rig.writer.append([{ inbox, payload, messageId: undefined, expiresAtMs: 10_000 }], 1_000);
    }
    if (i % 2 === 1) rig.writer.ack({ inbox: alice, upTo: 1n, storeEpoch: 0n });
    rig.writer.commit(1_000);
  }
  return { disk, rig, before, after: rig.describe(), start, end: rig.writer.journal.written.offset };
}

describe("the end of the log", () => {
  test("cut short at any byte of the last batch it is what stood before that batch", () => {
    const { disk, before, after, start, end } = logOf(4);
    for (let at = start; at <= end; at++) {
      const image = disk.afterKill();
      image.alter(first, (bytes) => bytes.subarray(0, at));
      const rig = new LogRig(image, 1_000, 1_000_000);
      assert.equal(rig.describe(), at === end ? after : before, `byte ${at - start}`);
      assert.equal(rig.writer.journal.recovery.tornBytes > 0, at > start && at < end, `byte ${at - start}`);
    }
  });

  test("with any byte of the last batch changed it is what stood before that batch, and goes on", () => {
    const { disk, before, start, end } = logOf(4);
    for (let at = start; at < end; at++) {
      const image = disk.afterKill();
      image.alter(first, (bytes) => flipped(bytes, at));
      const rig = new LogRig(image, 1_000, 1_000_000);
      assert.equal(rig.describe(), before, `byte ${at - start}`);
      rig.writer.prepare({ calls: 1, bytes: 100, grows: true });
      rig.writer.append([{ inbox: alice, payload: Buffer.alloc(9), messageId: undefined, expiresAtMs: 9_999 }], 1_000);
      rig.writer.commit(1_000);
      assert.equal(new LogRig(image.afterKill(), 1_000, 1_000_000).describe(), rig.describe());
    }
  });

  test("of a log that was closed in order it is never cut off: it is damaged", () => {
    const { disk, rig, end } = logOf(4);
    rig.writer.close();
    new LogRig(disk.afterKill(), 1_000, 1_000_000);
    const image = disk.afterKill();
    image.alter(first, (bytes) => flipped(bytes, end - 1));
    assert.throws(() => new LogRig(image, 1_000, 1_000_000), hasCode("E038_STORE_DAMAGED"));
  });

  test("damage before whole batches is refused, and told with its place", () => {
    const { disk, start } = logOf(4);
    for (const at of [41, 60, 100, start - 1]) {
      const image = disk.afterKill();
      image.alter(first, (bytes) => flipped(bytes, at));
      assert.throws(() => new LogRig(image, 1_000, 1_000_000), hasCode("E038_STORE_DAMAGED"), `byte ${at}`);
    }
  });

  test("a payload that looks like batches is not taken for them in a torn one", () => {
    const model = logOf(3);
    const { disk, before, start } = logOf(4, model.disk.files.readAll(first).subarray(0, model.end));
    const image = disk.afterKill();
    image.alter(first, (bytes) => flipped(bytes, start + 12));
    assert.equal(new LogRig(image, 1_000, 1_000_000).describe(), before);
  });

  test("a segment that is missing, before or behind others, is told as damage", () => {
    const disk = new UnsureDisk();
    const rig = new LogRig(disk, 1_000);
    for (let i = 0; i < 12; i++) {
      rig.writer.prepare({ calls: 1, bytes: 700, grows: true });
      rig.writer.append(
        [{ inbox: inboxOf(`${i}`), payload: Buffer.alloc(600), messageId: undefined, expiresAtMs: 9_999 }],
        1,
      );
      rig.writer.commit(1_000);
    }
    assert.ok(rig.writer.journal.segment > 4);
    for (const number of [1, 3]) {
      const image = disk.afterKill();
      image.files.remove(segmentPath(folder, number));
      assert.throws(() => new LogRig(image, 1_000), hasCode("E038_STORE_DAMAGED"), `segment ${number}`);
    }
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] as number) ^ 0x10;
  return bytes;
}
