/** The bytes of each served method are those of the golden frames: a change of layout cannot pass unseen. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { goldenFolder, goldenFrames } from "./golden-frames.ts";

for (const { half, file, value, dump } of goldenFrames()) {
  test(`${half.name} is written and read as its golden frame`, () => {
    const golden = readFileSync(file, "utf8");
    assert.equal(dump, golden);
    const frame = new Uint8Array(Buffer.from(golden.replaceAll("\n", ""), "hex"));
    assert.deepEqual(half.decode(frame, half.encode(value).capTable), value);
  });
}

test("there is no golden frame of a method that is gone", () => {
  const files = goldenFrames().map(({ file }) => path.basename(file));
  assert.deepEqual(readdirSync(goldenFolder).sort(), files.sort());
});
