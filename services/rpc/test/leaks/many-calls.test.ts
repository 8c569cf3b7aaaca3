/** A session that has served for long is no larger than one that has served for a while. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { emptyTables, onlyBootstrap } from "../connected.ts";
import type { Sample } from "./many-calls-process.ts";

const calls = 5_000_000;
const samples = 20;

test("five million calls on one session leave no entry in a table and no memory in use", async () => {
  const program = join(import.meta.dirname, "many-calls-process.ts");
  const args = ["--expose-gc", program, String(calls), String(samples)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const lines = stdout.trimEnd().split("\n");
  const taken = lines.map((line) => JSON.parse(line) as Sample);
  assert.equal(taken.length, samples);
  for (const { client, server } of taken) {
    assert.deepEqual(client, onlyBootstrap);
    assert.deepEqual(server, { ...emptyTables, exports: 1 });
  }
  const quarter = (from: number) => mean(taken.slice(from * (samples / 4), (from + 1) * (samples / 4)));
  const [second, last] = [quarter(1), quarter(3)];
  // 10 % of the 7 MB in use is 0.3 bytes a call
  assert.ok(last <= 1.1 * second, `${second} bytes in use in the second quarter, ${last} in the last: ${lines.join()}`);
});

function mean(taken: readonly Sample[]): number {
  return taken.reduce((sum, { bytes }) => sum + bytes, 0) / taken.length;
}
