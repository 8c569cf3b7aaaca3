/** docs/threat-model.md: each claim names tests that exist, and attackers that it describes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = readFileSync(`${root}docs/threat-model.md`, "utf8");

/** Rows of the tables in a section, without head and rule. */
function rowsOf(title: string): string[][] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  const rows = lines.filter((line, i) => !line.startsWith("|---") && !(lines[i + 1] ?? "").startsWith("|---"));
  return rows.map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

const claims = rowsOf("What stops them");
const attackers = rowsOf("Attackers").map(([who]) => who);

test("each claim of the threat model names files of tests, and each has some", () => {
  assert.ok(claims.length > 40, `${claims.length} claims`);
  for (const [claim, , files = ""] of claims) {
    const named = files.split(",").map((file) => file.trim());
    for (const file of named) {
      assert.match(file, /^(client|services)\/[\w/.-]+\.test\.ts$/, `${claim}: ${file}`);
      assert.match(readFileSync(root + file, "utf8"), /\b(test|it)\(/, file);
    }
  }
});

test("each claim of the threat model is against attackers that it describes, and each of them is met by some claim", () => {
  const met = new Set(claims.flatMap(([, against = ""]) => against.split(",").map((who) => who.trim())));
  assert.deepEqual([...met].toSorted(), attackers.toSorted());
});
