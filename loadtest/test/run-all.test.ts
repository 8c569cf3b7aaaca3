/** `npm run bench -- all`: a long night's run ends with every report that could be made. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { runAll } from "../src/publish/run-all.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-run-all-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("one scenario that fails stops no other and is named, and how far it is is said", async () => {
  const program = join(folder, "scenario.mjs");
  const reports = mkdtempSync(join(folder, "reports-"));
  // in place of the bench: called as it is
  writeFileSync(
    program,
    `import { writeFileSync } from "node:fs";
     const [name, out, to, quick] = process.argv.slice(2);
     if (out !== "--out" || quick !== "--quick") throw new Error("called otherwise");
     if (name === "killed") process.kill(process.pid, "SIGKILL");
     writeFileSync(to + "/" + name + ".json", "{}");
     process.exitCode = name === "failing" ? 1 : 0;`,
  );
  const said: string[] = [];
  const scenarios = ["first", "failing", "killed", "last"];
  const failed = await runAll({ scenarios, folder: reports, quick: true, say: (text) => said.push(text), program });
  assert.deepEqual(failed, ["failing", "killed"]);
  // what a failing one measured is kept
  assert.deepEqual(readdirSync(reports).toSorted(), ["failing.json", "first.json", "last.json"]);
  assert.match(said.join("\n"), /last \(4 of 4, [\s\S]*2 of 4 scenarios/);
});
