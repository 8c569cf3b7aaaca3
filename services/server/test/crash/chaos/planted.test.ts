/** What the chaos trial is there to find is planted into the front-ends, one fault a trial, and each is found. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { seed } from "../../../testing/seed.ts";
import type { TrialFaults } from "./book.ts";
import { describeTrial } from "./describe.ts";
import { runChaos } from "./run.ts";
import type { TrialOptions, TrialReport } from "./trial.ts";

const nobody = { busyInboxes: 0, enqueuers: 0, batchers: 0, sessionSenders: 0, quietInboxes: 0, groups: 0 };
const enqueuing = { ...nobody, busyInboxes: 8, enqueuers: 8, perSecond: 400 };
const waiting = { ...nobody, quietInboxes: 12, perSecond: 400 };

const committing = { ...nobody, busyInboxes: 10, groups: 4, perSecond: 400 };

type Short = Pick<TrialOptions, "lanes" | "load"> & {
  readonly planted?: string;
  readonly calmMs?: number;
  readonly drainMsMax?: number;
};

async function runShort(t: TestContext, { planted, calmMs = 2_000, ...options }: Short): Promise<TrialReport> {
  const frontEnd = { workers: 1, ...(planted !== undefined && { planted }) };
  const report = await runChaos({
    seed,
    faultMs: 1_000,
    calmMs,
    acknowledgedMin: 0,
    answerMsMax: 2_000,
    drainMsMax: 2_000,
    frontEnds: [frontEnd, frontEnd],
    ...options,
  });
  for (const line of describeTrial(report)) t.diagnostic(line);
  return report;
}

function assertFound(report: TrialReport, ...kinds: readonly (keyof TrialFaults)[]): void {
  for (const kind of kinds) assert.ok(report.found[kind] > 0, `${kind} was not found, SEED=${seed}`);
}

test("a server that acknowledges before it commits: killed, it has lost what it had acknowledged", {
  timeout: 120_000,
}, async (t) => {
  const report = await runShort(t, { planted: "ack-before-commit", lanes: [["killFrontEnd"]], load: enqueuing });
  assertFound(report, "lost");
});

test("seqs from a counter outside of the transaction: holes, and messages that no reader sees after a flush", {
  timeout: 120_000,
}, async (t) => {
  const report = await runShort(t, { planted: "seq-outside", lanes: [["flushRedis"]], load: enqueuing });
  assertFound(report, "gaps", "lost");
});

test("a reader that looks before it hears: messages come with the safety sweep only, and all of them", {
  timeout: 180_000,
}, async (t) => {
  const load = { ...waiting, quietInboxes: 24 };
  const report = await runShort(t, { planted: "look-before-arm", lanes: [], load, calmMs: 20_000, drainMsMax: 60_000 });
  assertFound(report, "late");
  assert.equal(report.found.lost, 0, [`SEED=${seed}`, ...report.lines].join("\n"));
});

test("acknowledgements that only one front-end knows of: what was acknowledged at it comes again at another", {
  timeout: 120_000,
}, async (t) => {
  const report = await runShort(t, { planted: "ack-in-memory", lanes: [["killFrontEnd"]], load: enqueuing });
  assertFound(report, "duplicated");
});

test("an order of commits that only one front-end knows of: two of one epoch are accepted", {
  timeout: 120_000,
}, async (t) => {
  const report = await runShort(t, { planted: "order-in-memory", lanes: [], load: committing });
  assertFound(report, "twoCommits");
});

test("a cancelled wait for the standby taken for a commit: lost with the primary", { timeout: 120_000 }, async (t) => {
  const report = await runShort(t, { planted: "cancelled-is-done", lanes: [["cancelCommits"]], load: enqueuing });
  assertFound(report, "lost");
});

test("a cancelled wait for the standby, not taken for a commit: nothing is lost with the primary", {
  timeout: 120_000,
}, async (t) => {
  const report = await runShort(t, { lanes: [["cancelCommits"]], load: enqueuing });
  assert.equal(report.found.lost, 0, [`SEED=${seed}`, ...report.lines].join("\n"));
  assert.equal(report.carriedOut.cancelCommits, 1);
});
