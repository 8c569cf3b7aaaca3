/** `qpq-server plan`: the sums of docs/capacity.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type PlanInput, planFor } from "../../src/ops/cost-model.ts";
import { runCommand } from "../cluster/run-command.ts";

const million: PlanInput = {
  users: 1_000_000,
  messagesPerDay: 20,
  peak: 10,
  unreadShare: 0.1,
  keepAliveMs: 10_000,
  connectionsMax: 20_000,
  dedupeWindowSecs: 7 * 86_400,
  store: "cluster",
  machine: { cores: 2, payloadBytes: 512, callsPerConnection: 1, withCallers: false },
};

/** Within a share of 5 %: that page rounds. */
function isNear(found: number, told: number): void {
  assert.ok(Math.abs(found / told - 1) < 0.05, `${found} is not near ${told}`);
}

test("a million users take what docs/capacity.md says that they take", () => {
  const plan = planFor(million);
  assert.equal(plan.processes, 50);
  isNear(plan.messagesPerSecond, 230);
  isNear(plan.messagesPerSecondAtPeak, 2_300);
  // 52 GB of clients, and what 50 processes take before anybody has come
  isNear(plan.memoryBytes, 1e6 * 52 * 1_024 + 50 * 195e6);
  isNear(plan.coresUsed.pings, 10);
  isNear(plan.coresUsed.messages, 0.35);
  assert.equal(plan.databaseCores, 1);
  isNear(plan.diskBytes, 30e9 + 0.24e9 + 1.5e9);
  isNear(plan.logBytesPerDay, 26e9);
  assert.equal(plan.limit, undefined);
});

test("a hundred million in one cluster are said to be too many, and why", () => {
  assert.match(planFor({ ...million, users: 1e8 }).limit ?? "", /hints/);
  assert.match(planFor({ ...million, users: 1e8, store: "sqlite" }).limit ?? "", /one file/);
});

test("twice the users never take less, and pings at longer intervals take fewer cores", () => {
  for (const users of [1, 100, 20_000, 20_001, 500_000]) {
    const [once, twice] = [planFor({ ...million, users }), planFor({ ...million, users: 2 * users })];
    for (const name of ["processes", "memoryBytes", "cores", "databaseCores", "diskBytes"] as const) {
      assert.ok(twice[name] >= once[name], `${name} of ${users}`);
    }
  }
  isNear(planFor({ ...million, keepAliveMs: 25_000 }).coresUsed.pings, 4);
});

/** docs/capacity.md, Throughput: payload bytes, front-ends (0: the embedded store), messages a second in the bench. */
const measured = [
  [512, 1, 24_151],
  [1536, 1, 18_149],
  [8192, 1, 5_830],
  [512, 4, 12_626],
  [512, 0, 36_944],
  [1536, 0, 27_047],
  [2048, 1, 13_489],
  [512, 2, 20_332],
  [2048, 2, 13_579],
] as const;

/** The same page, Measured: waiting clients of one front-end, MB resident. */
const residentMb = [
  [500, 191],
  [1_500, 271],
  [5_000, 460],
  [12_000, 828],
] as const;

test("memory is within 20 % of what docs/capacity.md says was measured", () => {
  for (const [users, megabytes] of residentMb) {
    const share = planFor({ ...million, users, processes: 1 }).memoryBytes / 1e6 / megabytes;
    assert.ok(Math.abs(share - 1) < 0.2, `${users} clients: ${share}`);
  }
});

test("throughput is within 15 % of what docs/capacity.md says was measured", () => {
  for (const [payloadBytes, processes, perSecond] of measured) {
    const plan = planFor({
      ...million,
      store: processes === 0 ? "sqlite" : "cluster",
      processes: Math.max(1, processes),
      machine: { cores: 2, payloadBytes, callsPerConnection: 32, withCallers: true },
    });
    const share = plan.throughput.messagesPerSecond / perSecond;
    assert.ok(Math.abs(share - 1) < 0.15, `${payloadBytes} B, ${processes} front-ends: ${share}`);
  }
});

test("a machine carries more with more cores, until the main threads of its front-ends are full", () => {
  const carried = (cores: number, processes: number) =>
    planFor({ ...million, processes, machine: { ...million.machine, cores } }).throughput;
  assert.equal(carried(1, 1).bound, "cores");
  assert.equal(carried(16, 1).bound, "main threads");
  isNear(carried(32, 1).messagesPerSecond, carried(16, 1).messagesPerSecond);
  isNear(carried(4, 4).messagesPerSecond, 2 * carried(2, 4).messagesPerSecond);
});

test("the command takes the settings' limits, and asks for a number of users", async () => {
  const { words, code } = await runCommand(["plan", "--users", "1000", "--connections-max", "100", "--json"]);
  assert.equal(code, 0);
  assert.equal(JSON.parse(words).processes, 10);
  const own = ["--payload-bytes", "2048", "--processes", "2", "--cores", "8", "--with-callers"];
  const other = await runCommand(["plan", "--users", "1000", "--on-cluster", "--json", ...own]);
  const { throughput } = JSON.parse(other.words);
  assert.equal(throughput.processes, 2);
  assert.ok(throughput.cpuUs.callers > 0);
  const table = await runCommand(["plan", "--users", "100000", "--on-cluster"]);
  assert.match(table.words, /^memory +6\.3 GB of front-ends$/m);
  const asked = await runCommand(["plan"]);
  assert.equal(asked.code, 2);
  assert.match(asked.errors, /E048_USAGE .*--users/);
});
