/** The product's old name stands where old keys and signatures need it, and nowhere else. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
// in two halves, so that this file needs no exception for itself
const oldName = ["quicn", "protochat"].join("");
const allowed = ["docs/wire.md", "schemas/src/labels.ts"];

test("the old name occurs only in the label file (with the P2P ALPN) and in their docs", () => {
  const tracked = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  // what a link leads to is a file of its own
  const files = tracked.split("\0").filter((file) => file !== "" && lstatSync(root + file).isFile());
  assert.ok(files.length > 50, "the whole tree is looked at");
  const found = files.filter((file) => readFileSync(root + file).includes(oldName));
  assert.deepEqual(found.sort(), allowed);
});

test("every label begins with the old name and none is used for two purposes", async () => {
  const { labels, alpnP2p } = await import("quicproquo-proto");
  const values = Object.values(labels);
  assert.equal(new Set(values).size, values.length);
  for (const label of values) assert.match(label, new RegExp(`^${oldName}-[a-z-]+-v1$`));
  assert.equal(alpnP2p, `${oldName}/p2p/1`);
});
