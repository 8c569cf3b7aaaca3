/** The Postgres of a test leaves nothing behind, however the test ends. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { PostgresCluster } from "../../testing/postgres.ts";

const program = fileURLToPath(new URL("postgres-cluster-process.ts", import.meta.url));

async function runUntil(end: "SIGKILL" | "end of input"): Promise<{ folder: string; pid: number }> {
  const child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  if (end === "SIGKILL") child.kill("SIGKILL");
  else child.stdin.end();
  await exited;
  return JSON.parse(line) as { folder: string; pid: number };
}

function isRunning(pid: number): boolean {
  try {
    // after the name in brackets the state; Z: it has ended, and nobody has asked how
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

test("a test process that ends takes its server and its folder with it", async () => {
  const { folder, pid } = await runUntil("end of input");
  while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(existsSync(folder), false);
});

test("the server of a killed test process ends with it, and its folder goes when the next one is made", async () => {
  const { folder, pid } = await runUntil("SIGKILL");
  while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
  await using next = await PostgresCluster.start();
  assert.equal(existsSync(folder), false);
  assert.ok(existsSync(next.folder));
});
