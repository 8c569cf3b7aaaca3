/** docs/metrics.md says what the server's table of metrics says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { metricsDoc, metricsFile } from "./metrics-doc.ts";

test("docs/metrics.md is what `node scripts/metrics-doc.ts` writes", () => {
  assert.equal(readFileSync(metricsFile, "utf8"), metricsDoc());
});
