/** Two sides of a bench: what got worse or better beyond noise is said, noise is not, and nothing fails. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { compare, comparison } from "../src/publish/compare.ts";
import { directionOf } from "../src/publish/direction.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-bench-compare-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const runs = (name: string, values: readonly (number | null)[]) =>
  values.map((value) => ({ scenario: "store", figures: { [name]: value }, ratios: {} }));

function verdictOf(name: string, base: readonly (number | null)[], branch: readonly (number | null)[]) {
  const [only, ...others] = compare({ base: runs(name, base), branch: runs(name, branch) });
  assert.deepEqual(others, []);
  return only?.verdict;
}

const rates = [9_000, 9_400, 9_100, 9_300, 9_200];

test("a planted regression beyond the spread of five runs is worse, whichever direction is good", () => {
  assert.equal(
    verdictOf(
      "a_per_s",
      rates,
      rates.map((rate) => rate * 0.8),
    ),
    "worse",
  );
  assert.equal(
    verdictOf(
      "a_p99_ms",
      rates,
      rates.map((rate) => rate * 1.2),
    ),
    "worse",
  );
  assert.equal(
    verdictOf(
      "idle_cpu_us_per_s",
      rates,
      rates.map((rate) => rate * 1.2),
    ),
    "worse",
  );
});

test("a gain beyond it is better, and a foretold figure only differs", () => {
  assert.equal(
    verdictOf(
      "a_per_s",
      rates,
      rates.map((rate) => rate * 1.2),
    ),
    "better",
  );
  assert.equal(
    verdictOf(
      "a_p99_ms",
      rates,
      rates.map((rate) => rate * 0.8),
    ),
    "better",
  );
  assert.equal(
    verdictOf(
      "planned_per_s_512x1",
      rates,
      rates.map((rate) => rate * 0.8),
    ),
    "other",
  );
});

test("what lies within the spread of either side is not reported", () => {
  assert.equal(
    verdictOf(
      "a_per_s",
      rates,
      rates.map((rate) => rate * 0.98),
    ),
    "within",
  );
  // apart from every run of the other, but the other's runs differ among themselves by more
  assert.equal(
    verdictOf("a_per_s", [9_000, 9_400, 9_100, 9_300, 9_200], [8_100, 8_990, 8_950, 8_900, 8_940]),
    "within",
  );
  // a run of one side reaches a run of the other
  assert.equal(verdictOf("a_ms", [100, 100, 100, 109, 110], [109, 119, 119, 119, 119]), "within");
  // one slow run of five is noise
  assert.equal(verdictOf("a_per_s", rates, [9_050, 4_000, 9_150, 9_250, 9_300]), "within");
});

test("a size that never varies is reported when it changes by one", () => {
  assert.equal(verdictOf("a_bytes", [240, 240, 240, 240, 240], [241, 241, 241, 241, 241]), "worse");
  assert.equal(verdictOf("a_bytes", [240, 240, 240, 240, 240], [240, 240, 240, 240, 240]), "within");
});

test("with fewer than five runs of a side, or none, nothing is judged", () => {
  assert.equal(
    verdictOf(
      "a_per_s",
      rates.slice(1),
      rates.map((rate) => rate / 2),
    ),
    undefined,
  );
  assert.equal(
    verdictOf(
      "a_per_s",
      [null, ...rates.slice(1)],
      rates.map((rate) => rate / 2),
    ),
    undefined,
  );
});

test("two sides of the same distribution are seldom called different", () => {
  // a generator by a seed: this promise is about many draws, and must be the same in every run of the test
  let state = 20_261_126;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const draw = (): number[] => Array.from({ length: 5 }, () => 100 + random() + random() + random());
  let said = 0;
  for (let i = 0; i < 2_000; i++) if (verdictOf("a_ms", draw(), draw()) !== "within") said++;
  assert.ok(said < 10, `${said} of 2,000`);
});

const wanted = {
  more: [
    "enqueue_per_s_8x32",
    "redis_always_tls_per_s",
    "enqueue_vs_redis_always_tls",
    "embedded_network_vs_rabbitmq_tls_2048",
    "capacity_per_s",
    "echo_vs_cpp_tcp_256",
    "js_js_vs_cpp_tcp_256",
    "embedded_vs_direct_8x32",
    "handshakes_per_s",
    "rt_per_s_100",
  ],
  less: [
    "enqueue_p99_ms",
    "fsyncs_per_ack_1_caller_embedded",
    "storm_last_back_vs_cpu_bound",
    "lost",
    "cpu_us_per_message",
    "idle_cpu_us_per_s",
    "waiter_bytes",
    "cpu_vs_node_tls_100",
    "encode_vs_protobufjs_240",
    "subscribe_p99_vs_enqueue_p99",
    "cpu_per_message_4_vs_1_processes",
    "add_vs_stock_100",
    "enqueue_1e6_vs_1e4",
    "enqueue_after_checkpoint_1e5_vs_1e4",
    "login_cpu_vs_opaque_cluster",
  ],
  neither: ["planned_vs_measured_512x1", "planned_per_s_512x1", "rate_per_s", "acknowledged"],
} as const;

for (const [direction, names] of Object.entries(wanted)) {
  test(`names say that there should be ${direction} of them`, () => {
    for (const name of names) assert.equal(directionOf(name), direction, name);
  });
}

test("the report begins with what lies beyond noise, then has every figure", () => {
  const sides = {
    base: rates.map((rate) => ({ scenario: "store", figures: { a_per_s: rate, b_ms: 10, c_ms: null }, ratios: {} })),
    branch: rates.map((rate) => ({
      scenario: "store",
      figures: { a_per_s: rate / 2, b_ms: 10 },
      ratios: { d_vs_e: 1 },
    })),
  };
  const [first, , , , row, ...rest] = comparison(compare(sides)).split("\n");
  assert.equal(first, "1 of 4 figures differ by more than runs of one side do:");
  assert.equal(row, "| store: a_per_s | 9,200 [9,000 .. 9,400] | 4,600 [4,500 .. 4,700] | -50.0 % | **worse** |");
  assert.ok(rest.includes("| b_ms | 10 [10 .. 10] | 10 [10 .. 10] | 0.0 % |  |"));
  assert.ok(rest.includes("| d_vs_e |  | 1 [1 .. 1] |  | not measured on both |"));
});

test("the command reads what --json printed, and ends well though a figure is worse", () => {
  const file = (name: string, value: number): string => {
    const path = join(folder, name);
    writeFileSync(
      path,
      `> words of npm\n${JSON.stringify({ scenario: "store", figures: { a_per_s: value }, ratios: {} })}\n`,
    );
    return path;
  };
  const program = fileURLToPath(new URL("../src/main.ts", import.meta.url));
  const bench = (...args: readonly string[]) =>
    spawnSync(process.execPath, [program, "compare", ...args], { encoding: "utf8" });
  const base = rates.map((rate, i) => file(`base-${i}`, rate));
  const branch = rates.map((rate, i) => file(`branch-${i}`, rate / 2));
  const { status, stdout, stderr } = bench("--base", ...base, "--branch", ...branch);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /\*\*worse\*\*/);
  const alone = bench("--base", ...base);
  assert.equal(alone.status, 2);
  assert.match(alone.stderr, /compare --base REPORT\.json \.\.\. --branch/);
});
