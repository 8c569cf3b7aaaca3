/** The pages of docs/ that are made from the source say what the source says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { generatedPages, pathOf } from "./pages.ts";

for (const [page, make] of Object.entries(generatedPages)) {
  test(`docs/${page} is what \`node scripts/docs.ts\` writes`, () => {
    // by lines: a difference in a page of 20 KB is to be seen
    assert.deepEqual(readFileSync(pathOf(page), "utf8").split("\n"), make().split("\n"));
  });
}
