/** Only named fields can be logged, whatever is passed along. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const log = new URL("../../src/observe/log.ts", import.meta.url);

/** The lines of a process that logs what the text does with `log`. */
function linesOf(text: string): Record<string, unknown>[] {
  const program = `import { createLog } from ${JSON.stringify(log.href)};
    import { QpqError } from "quicproquo-proto";
    const log = createLog("debug", { worker: "3" });
    ${text}`;
  const args = ["--input-type=module", "--eval", program];
  const { stderr, status } = spawnSync(process.execPath, args, { cwd: import.meta.dirname, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("a field that has no name in the list is not written, beside those that have, at every level", () => {
  const fields = `{ event: "e", count: 1, inbox: "canary", payload: "canary", user: "canary", address: { host: "canary" } }`;
  const lines = linesOf(["info", "warn", "error"].map((level) => `log.${level}(${fields});`).join("\n"));
  assert.equal(lines.length, 3);
  for (const line of lines) {
    assert.deepEqual(Object.keys(line).sort(), ["count", "event", "level", "time", "worker"]);
    assert.ok(!JSON.stringify(line).includes("canary"));
  }
});

test("of an error of ours the code and text are written, of a foreign one where it happened and not what it says", () => {
  const [ours, foreign, thrown] = linesOf(`
    log.error({ event: "e", error: new QpqError("E018_RATE_LIMIT", { text: "wait", cause: new Error("canary") }) });
    const second = "\\n    at canary\\n    at canary (canary:1:2)";
    log.error({ event: "e", error: Object.assign(new Error("canary" + second), { detail: "canary" }) });
    log.error({ event: "e", error: "canary" });`);
  assert.deepEqual([ours?.["errorCode"], ours?.["errorText"]], ["E018_RATE_LIMIT", "wait"]);
  assert.equal(foreign?.["errorName"], "Error");
  assert.match((foreign["errorAt"] as string[])[0] ?? "", /^ {4}at file:\/\/\/.*:\d+:\d+$/);
  assert.equal(thrown?.["errorName"], "string");
  assert.ok(!JSON.stringify([ours, foreign, thrown]).includes("canary"));
});
