/** A figure's name is a promise to those who read reports by machine: it is there in every run, and no number stands for nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { faultsOf, reasonFor } from "../src/report-names.ts";
import { scenarios } from "../src/scenarios.ts";

const of = (numbers: readonly number[], name: (n: number) => string): string[] => numbers.map(name);

/** What others read, scenario by scenario; scenarios have more. */
const contract: Readonly<Record<string, readonly string[]>> = {
  store: [
    "embedded_enqueue_per_s_256",
    "embedded_direct_per_s_256",
    "embedded_enqueue_p50_ms",
    "embedded_enqueue_p99_ms",
    "embedded_vs_direct_8x32",
    "embedded_vs_direct_256x1",
  ],
  rpc: [
    ...["encode", "decode"].flatMap((operation) =>
      ["protobufjs", "capnp_es"].flatMap((other) => of([240, 4_096], (n) => `${operation}_vs_${other}_${n}`)),
    ),
    ...of([256, 16, 1], (n) => `echo_vs_cpp_tcp_${n}`),
    "js_js_vs_cpp_tcp_256",
  ],
  transport: [
    "rt_per_s_100",
    "cpu_us_per_rt_100",
    "handshakes_per_s",
    "cpu_ms_per_handshake",
    "kb_per_connection_1000",
    "kb_marginal_1000_to_10000",
    ...["classes", "node_tls"].flatMap((other) => of([100, 500], (n) => `cpu_vs_${other}_${n}`)),
  ],
  delivery: [
    "enqueue_per_s_8x32",
    "enqueue_p50_ms",
    "enqueue_p99_ms",
    "subscribe_p99_ms",
    "waiter_bytes",
    "fanout_1000_ms",
    "cpu_us_per_message",
    "enqueue_vs_direct_store_8x32",
    "enqueue_vs_direct_store_256x1",
    "enqueue_vs_jetstream_default",
    "enqueue_vs_jetstream_always",
    "enqueue_vs_redis_always_tls",
    "enqueue_vs_redis_always_plain",
    "enqueue_vs_rabbitmq",
    "subscribe_p99_vs_enqueue_p99",
    "cpu_per_message_4_vs_1_processes",
  ],
  mls: [
    ...["add", "process_add", "remove", "update"].flatMap((step) => of([2, 10, 100, 1_000], (n) => `${step}_ms_${n}`)),
    "encrypt_ms",
    "decrypt_ms",
    "state_bytes_per_message_100",
    "add_vs_stock_100",
    "encrypt_vs_stock",
    "add_vs_openmls_100",
  ],
  observe: ["cpu_observed_vs_off"],
};

for (const [name, wanted] of Object.entries(contract)) {
  test(`${name} promises every name that others read`, () => {
    const { figures = [], ratios = [] } = scenarios[name]?.names ?? {};
    const promised = new Set([...figures, ...ratios]);
    assert.deepEqual(
      wanted.filter((each) => !promised.has(each)),
      [],
    );
  });
}

test("every scenario promises names, each once, of lower-case words", () => {
  for (const [scenario, { names }] of Object.entries(scenarios)) {
    const all = [...names.figures, ...names.ratios];
    assert.ok(all.length > 0, scenario);
    assert.equal(new Set(all).size, all.length, scenario);
    for (const name of all) assert.match(name, /^[a-z\d]+(_[a-z\d]+)*$/, `${scenario}: ${name}`);
  }
});

const names = { figures: ["a_ms", "b_ms_1000"], ratios: ["a_vs_b"] };
const whole = {
  figures: { a_ms: 1, b_ms_1000: null },
  ratios: { a_vs_b: 0.5 },
  spread: { a_ms: [1, 1, 2] },
  notes: ["words: about something else", "b_*, c_ms: left out by --quick"],
} as const;

test("a report with every name, and a reason for what was not measured, has no fault", () => {
  assert.deepEqual(faultsOf(whole, names), []);
  assert.equal(reasonFor("b_ms_1000", whole.notes), "left out by --quick");
});

const faulty: readonly (readonly [what: string, change: object, fault: RegExp])[] = [
  ["a figure is lost", { figures: { a_ms: 1 } }, /figures lack b_ms_1000/],
  ["a ratio is lost", { ratios: {} }, /ratios lack a_vs_b/],
  ["a name is misspelt", { ratios: { a_vs_b: 1, a_v_b: 1 } }, /ratios have a_v_b/],
  ["null has no reason", { notes: ["a_ms: not measured", "about b_ms_1000: words"] }, /b_ms_1000 is null/],
  ["a figure is not a number, which JSON would make null", { ratios: { a_vs_b: Number.NaN } }, /a_vs_b is NaN/],
  ["a spread has no order", { spread: { a_ms: [2, 1, 2] } }, /spread of a_ms/],
];

for (const [what, change, fault] of faulty) {
  test(`it is a fault if ${what}`, () => {
    const [first = "", ...others] = faultsOf({ ...whole, ...change }, names);
    assert.match(first, fault);
    assert.deepEqual(others, []);
  });
}
