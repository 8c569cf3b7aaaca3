/** The bytes of each method are those of the golden frames: a change of layout cannot pass unseen. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { Inbox, NodeService, Session, Sink } from "quicproquo-proto";
import { goldenFolder, goldenFrames } from "./golden-frames.ts";

for (const { half, file, value, dump } of goldenFrames()) {
  test(`${half.name} is written and read as its golden frame`, () => {
    const golden = readFileSync(file, "utf8");
    assert.equal(dump, golden);
    const frame = new Uint8Array(Buffer.from(golden.replaceAll("\n", ""), "hex"));
    assert.deepEqual(half.decode(frame, half.encode(value).capTable), value);
  });
}

test("each method of each interface has a golden frame of its parameters and one of its results", () => {
  const interfaces = { NodeService, Session, Inbox, Sink };
  const halves = Object.entries(interfaces).flatMap(([name, { methods }]) =>
    Object.keys(methods).flatMap((method) => [`${name}.${method} params`, `${name}.${method} results`]),
  );
  assert.deepEqual(
    goldenFrames()
      .map(({ half }) => half.name)
      .sort(),
    halves.sort(),
  );
});

test("there is no golden frame of a method that is gone", () => {
  const files = goldenFrames().map(({ file }) => path.basename(file));
  assert.deepEqual(readdirSync(goldenFolder).sort(), files.sort());
});
