/** The chart takes the values that the server takes settings. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { chartSchema, chartSchemaFile } from "./chart-schema.ts";

test("the chart's values.schema.json is what `node scripts/chart-schema.ts` writes", () => {
  assert.equal(readFileSync(chartSchemaFile, "utf8"), chartSchema());
});
