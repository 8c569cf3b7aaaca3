/** The audit log by itself: what a flood leaves of it, and a file that is moved or cannot be written. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { AuditLog, type AuditEntry, type AuditOptions } from "../../src/observe/audit.ts";
import { auditIds } from "../../src/observe/audit-id.ts";
import { createLog } from "../../src/observe/log.ts";

type Line = Readonly<Record<string, unknown>>;

/** An audit log with a file of its own, and its lines so far. */
function start(test: TestContext, options: Partial<AuditOptions> = {}) {
  test.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_700_000_000_000 });
  const folder = mkdtempSync(join(tmpdir(), "qpq-audit-"));
  test.after(() => rmSync(folder, { recursive: true }));
  const auditFile = join(folder, "audit.log");
  const limits = { auditActsPerMinute: 1_000, auditRefusalsPerMinute: 10 };
  const audit = new AuditLog({ auditFile, ...limits, ...options }, createLog("silent"), "7");
  const lines = (file = auditFile): Line[] =>
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Line);
  return { audit, auditFile, lines };
}

const failure = (n: number): AuditEntry => ({
  event: "login_failed",
  user: `user-${n}`,
  network: "192.0.2.0/24",
  method: "opaqueLoginFinish",
  code: "E064_LOGIN_REFUSED",
});

test("a line tells time, stream, process, event and what belongs to it", (t) => {
  const { audit, lines } = start(t);
  audit.write(failure(1));
  assert.deepEqual(lines(), [{ time: "2023-11-14T22:13:20.000Z", stream: "audit", worker: "7", ...failure(1) }]);
});

test("a flood of failures is ten lines and one with the count of the others, each minute anew", (t) => {
  const { audit, lines } = start(t);
  for (let n = 0; n < 100_000; n++) audit.write(failure(n));
  assert.equal(lines().length, 10);
  t.mock.timers.tick(60_000);
  const { event, code, method, suppressed, ms, user } = lines().at(-1) ?? {};
  assert.deepEqual(
    { event, code, method, suppressed, ms, user },
    {
      event: "login_failed",
      code: "E064_LOGIN_REFUSED",
      method: "opaqueLoginFinish",
      suppressed: 99_990,
      ms: 60_000,
      user: undefined,
    },
  );
  for (let n = 0; n < 11; n++) audit.write(failure(n));
  t.mock.timers.tick(60_000);
  assert.deepEqual(
    lines()
      .map(({ suppressed }) => suppressed ?? 0)
      .filter(Number),
    [99_990, 1],
  );
  t.mock.timers.tick(600_000);
  assert.equal(lines().length, 22, "nothing is told of a quiet minute");
});

test("in a flood of one kind another is told of, and logins are", (t) => {
  const { audit, lines } = start(t);
  for (let n = 0; n < 1_000; n++) audit.write(failure(n));
  audit.write({ event: "limited", code: "E018_RATE_LIMIT", method: "enqueue" });
  for (let n = 0; n < 500; n++) audit.write({ event: "login", user: `user-${n}` });
  assert.equal(lines().filter(({ event }) => event === "limited").length, 1);
  assert.equal(lines().filter(({ event }) => event === "login").length, 500);
});

test("what was only counted is told of at the end", (t) => {
  const { audit, lines } = start(t);
  for (let n = 0; n < 12; n++) audit.write(failure(n));
  audit[Symbol.dispose]();
  assert.equal(lines().at(-1)?.["suppressed"], 2);
});

test("a file that is moved away is followed by a new one, which its owner alone can read", (t) => {
  const { audit, auditFile, lines } = start(t);
  audit.write(failure(1));
  renameSync(auditFile, `${auditFile}.1`);
  audit.write(failure(2));
  assert.deepEqual([lines(`${auditFile}.1`).length, lines().length], [1, 1]);
  assert.equal(statSync(auditFile).mode & 0o777, 0o600);
});

test("a file that cannot be written refuses the start, and later ends no call", (t) => {
  const { audit, auditFile, lines } = start(t);
  audit.write(failure(0));
  const options = { auditFile: join(auditFile, "in-a-file"), auditActsPerMinute: 1, auditRefusalsPerMinute: 1 };
  assert.throws(() => new AuditLog(options, createLog("silent")), { code: "E046_CONFIG" });
  renameSync(auditFile, `${auditFile}.1`);
  mkdirSync(auditFile); // nobody can append to a folder
  audit.write(failure(1));
  rmSync(auditFile, { recursive: true });
  audit.write(failure(2));
  assert.deepEqual(
    lines().map(({ user }) => user),
    ["user-2"],
  );
});

test("an id is the same for one user at all servers of a setup, another for others, and for none that can be no name", () => {
  const idOf = auditIds("setup");
  assert.equal(idOf("alice"), auditIds("setup")("alice"));
  assert.match(String(idOf("alice")), /^[0-9a-f]{16}$/);
  assert.notEqual(idOf("alice"), idOf("bob"));
  assert.notEqual(idOf("alice"), auditIds("another setup")("alice"));
  assert.equal(idOf("no name"), undefined);
});
