/** An id of the peer's that was given back and comes a second time is not used again: the library would never end sending. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const program = fileURLToPath(new URL("./given-back-process.ts", import.meta.url));
/** It takes a second or two; one that hangs is killed. */
const timeoutMs = 50_000;

async function outcomeOf(mode: "other" | "none"): Promise<string> {
  const run = promisify(execFile)(process.execPath, [program, mode], { timeout: timeoutMs, killSignal: "SIGKILL" });
  return (await run).stdout.trim();
}

test("an id that was given back and comes again is given back again at once, for another", async () => {
  assert.equal(await outcomeOf("other"), "sends");
});

test("where there is no other one the connection is over: it must not be asked for a packet", async () => {
  assert.equal(await outcomeOf("none"), "spent");
});
