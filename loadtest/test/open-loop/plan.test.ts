/** What people type becomes the plan they mean, or is refused with what they may have meant. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { actions } from "../../src/open-loop/actions.ts";
import { loads } from "../../src/open-loop/loads.ts";
import { planOf } from "../../src/open-loop/plan.ts";
import { expectedCountOf } from "../../src/open-loop/schedule.ts";

test("every scenario is a plan as it stands, and every action has one", () => {
  const used = Object.keys(loads).map((name) => planOf(name, {}).action);
  assert.deepEqual(
    Object.keys(actions).filter((name) => !used.includes(name as keyof typeof actions)),
    [],
  );
});

test("rates: constant, ramp, steps and spike", () => {
  const counts = (rate: string): number[] => {
    return planOf("enqueue", { rate, duration: "10s" }).phases.map((phase) => expectedCountOf([phase]));
  };
  assert.deepEqual(counts("500"), [5_000]);
  assert.deepEqual(counts("100..500"), [3_000]);
  assert.deepEqual(counts("60,120,240"), [200, 400, 800]);
  assert.deepEqual(counts("100^2000"), [400, 4_000, 400]);
  assert.deepEqual(counts("0.5"), [5]);
});

test("flags change what the scenario names, and nothing else", () => {
  const plan = planOf("push", {});
  assert.deepEqual(planOf("push", { users: "7", duration: "2m", spacing: "even" }), {
    ...plan,
    users: 7,
    connections: 7,
    spacing: "even",
    phases: plan.phases.map((phase) => ({ ...phase, seconds: 120 })),
  });
});

const refused = {
  "no scenario": [undefined, {}, /name a scenario; they are .*enqueue/],
  "an unknown one": ["enqueu", {}, /did you mean enqueue/],
  "one that is no own property": ["constructor", {}, /there is no scenario constructor; they are/],
  "an absurd rate": ["enqueue", { rate: "1000000000" }, /at most 1000000 a second/],
  "an infinite rate": ["enqueue", { rate: "1e999" }, /--rate 1e999: RATE is/],
  "a negative rate": ["enqueue", { rate: "-5" }, /RATE is/],
  "no rate": ["enqueue", { rate: "" }, /RATE is/],
  "a rate of nothing": ["enqueue", { rate: "0,0" }, /nothing would be due/],
  "a ramp without an end": ["enqueue", { rate: "5.." }, /RATE is/],
  "too many steps": ["enqueue", { rate: Array.from({ length: 101 }, () => "1").join(",") }, /at most 100 steps/],
  "a week": ["enqueue", { duration: "168h" }, /at most 24h/],
  "no time": ["enqueue", { duration: "0s" }, /--duration takes a time/],
  "a time in days": ["enqueue", { duration: "1d" }, /--duration takes a time/],
  "no users": ["enqueue", { users: "0" }, /--users takes a whole number from 1/],
  "too many drivers": ["enqueue", { drivers: "65" }, /from 1 to 64/],
  "fewer users than drivers": ["enqueue", { drivers: "8", users: "4" }, /--drivers 8 need as many users/],
  "connections where there are none to share": ["blob", { connections: "4" }, /connections of its own/],
  "a payload above the largest blob": ["blob", { "payload-bytes": "52428801" }, /--payload-bytes takes/],
  "more recipients than a call may have": ["fan-out", { recipients: "1001" }, /from 1 to 1000/],
  "a spacing of its own": ["enqueue", { spacing: "random" }, /poisson or even/],
} as const;
for (const [what, [name, flags, told]] of Object.entries(refused)) {
  test(`refused: ${what}`, () => {
    assert.throws(() => planOf(name, flags), { code: "E048_USAGE", message: told });
  });
}
