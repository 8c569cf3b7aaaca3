/** What was removed is gone from the files too, within the bound that docs/operate/scale.md gives. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { identityOf, inboxOf } from "../conformance/subject.ts";
import { folder, LogRig } from "./log-rig.ts";
import { UnsureDisk } from "./unsure-disk.ts";

const dayMs = 24 * 3_600_000;

test("a day after a deletion no file has a key or a body of it, though others' messages stood beside them", () => {
  const disk = new UnsureDisk();
  const rig = new LogRig(disk, 1_000, 1_000_000);
  const { writer } = rig;
  const append = (name: string, fill: string) => {
    writer.prepare({ calls: 1, bytes: 1_000, grows: true });
    const payload = Buffer.alloc(500, fill);
    writer.append([{ inbox: inboxOf(name), payload, messageId: undefined, expiresAtMs: 100 * dayMs }], rig.nowMs);
    writer.commit(rig.nowMs);
  };
  for (let i = 0; i < 6; i++) append("alice", "alice's message ");
  append("alice/channel", "alice's message ");
  for (let i = 0; i < 3; i++) append("bob", "bob's message ");
  const filesWith = (bytes: Uint8Array) =>
    disk.files.list(folder).filter((name) => disk.files.readAll(join(folder, name)).includes(bytes));
  const body = Buffer.from("alice's message");
  assert.equal(filesWith(body).length, 1);
  while (writer.eraseInboxes(identityOf("alice"), 3) > 0);
  writer.commit(rig.nowMs);
  rig.nowMs += dayMs + 1;
  writer.upkeep.sweep(rig.nowMs);
  rig.makeCheckpoint(rig.checkpointDue as number);
  writer.upkeep.checkpointEnded();
  while (writer.upkeep.hasWork) writer.upkeep.step();
  assert.deepEqual([filesWith(body), filesWith(identityOf("alice"))], [[], []]);
  assert.equal(filesWith(Buffer.from("bob's message")).length, 1);
  assert.match(new LogRig(disk.afterKill(), rig.nowMs, 1_000_000).describe(), /last 3 acked 0/);
});
