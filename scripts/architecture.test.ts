/** ARCHITECTURE.md names files that exist, and every source folder has its place in it. */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = readFileSync(`${root}ARCHITECTURE.md`, "utf8");

test("every path that ARCHITECTURE.md, README.md and docs name exists", () => {
  const pages = ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md", ...globSync("docs/**/*.md", { cwd: root })];
  let named = 0;
  for (const name of pages) {
    // an address of another project may end like a path of this one
    const text = readFileSync(root + name, "utf8").replaceAll(/https?:\/\/\S+/g, "");
    for (const [path] of text.matchAll(/\b(?:schemas|services|client|loadtest|scripts|docs)\/[\w./*-]*[\w/*]/g)) {
      named++;
      const there = path.includes("*") ? globSync(path, { cwd: root }).length > 0 : existsSync(root + path);
      assert.ok(there, `${name} names ${path}`);
    }
  }
  assert.ok(named > 50);
});

test("every folder of the server's source stands in ARCHITECTURE.md", () => {
  for (const folder of globSync("services/server/src/*/", { cwd: root })) {
    assert.ok(page.includes(`\`${folder.replace(/\/?$/, "/")}\``), folder);
  }
});

test("the path of enqueue is written down from the datagram to the commit", () => {
  const path = page.slice(page.indexOf("## enqueue"), page.indexOf("## fetchWait"));
  for (const file of [
    "quic/connection.ts",
    "rpc/src/session.ts",
    "calls/interface-server.ts",
    "delivery/delivery.ts",
    "sqlite/write-worker.ts",
  ]) {
    assert.ok(path.includes(file), file);
  }
});
