/** What is committed is what the sources make. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { errorTable } from "quicproquo-proto";
import { generatedFiles } from "../src/generated.ts";
import { noFaults, serverFaults } from "../src/objectives.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));

test("dashboards, alerts and slo are what `node grafana/src/main.ts` writes, and nothing else lies there", () => {
  const files = generatedFiles();
  assert.deepEqual(globSync("{dashboards,alerts,slo}/*", { cwd: folder }).sort(), [...files.keys()].sort());
  for (const [name, text] of files) assert.equal(readFileSync(join(folder, name), "utf8"), text, name);
});

test("every code that tells of a fault is counted against the objectives, or named as none", () => {
  const ofFaults = Object.entries(errorTable).filter(([, { kind }]) => kind === "unavailable" || kind === "internal");
  const overloaded = "E021_OVERLOADED";
  assert.deepEqual(
    [...serverFaults, ...noFaults].filter((code) => code !== overloaded).sort(),
    ofFaults.map(([code]) => code).sort(),
  );
  assert.ok(serverFaults.includes(overloaded), "of the kind of limits, but not the caller's doing");
});
