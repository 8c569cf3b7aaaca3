/** What is asserted of a result holds or does not, and what cannot be asserted is said. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf, parseAssertion } from "../../src/open-loop/assertion.ts";
import { madeResult } from "./made-result.ts";

const result = madeResult();
const failure = (text: string): string | undefined => failureOf(parseAssertion(text), result);

test("what holds", () => {
  for (const text of ["p50<500ms", "p99 <= 1s", "max<991ms", "max>985000us", "p99.9>0.9s", "rate>98/s", "rate<=99"]) {
    assert.equal(failure(text), undefined, text);
  }
  for (const text of ["errors=5", "errors<1%", "missed<=0.5%", "missed=5", "p90<900"]) {
    assert.equal(failure(text), undefined, text);
  }
});

test("what does not hold is told with what was measured", () => {
  assert.match(failure("p50<100ms") as string, /^p50<100ms: 49\d(\.\d+)? ms$/);
  assert.equal(failure("errors=0"), "errors=0: 5");
  assert.equal(failure("errors<0.1%"), "errors<0.1%: 0.5 %");
  assert.equal(failure("rate>99/s"), "rate>99/s: 99 /s");
});

test("of a load without an answer no latency holds, however small", () => {
  const nothing = { ...result, done: 0, latencyMs: { p50: 0, p90: 0, p99: 0, "p99.9": 0, max: 0 } };
  assert.match(failureOf(parseAssertion("p99<50ms"), nothing) as string, /nothing measured/);
});

const refused = {
  "p98<50ms": /there is no metric p98; did you mean p9/,
  "latency<50ms": /there is no metric latency; they are p50/,
  "eror=0": /did you mean errors/,
  "p99<fast": /it is METRIC/,
  p99: /it is METRIC/,
  "p99<50kg": /p99 is in ms, s, us, not in kg/,
  "p99<5%": /not in %/,
  "errors<5ms": /errors is in %, not in ms/,
  "constructor<1": /there is no metric constructor/,
} as const;
for (const [text, told] of Object.entries(refused)) {
  test(`refused: ${text}`, () => {
    assert.throws(() => parseAssertion(text), { code: "E048_USAGE", message: told });
  });
}
