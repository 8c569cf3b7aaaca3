/** The table of codes is well formed, and an error survives the way over the wire as its reason. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ErrorCode, errorTable, QpqError } from "quicproquo-proto";

const codes = Object.keys(errorTable) as ErrorCode[];

test("each code has a number of its own, in ascending order", () => {
  const numbers = codes.map((code) => Number(/^E(\d{3})_[A-Z][A-Z_]*$/.exec(code)?.[1]));
  assert.ok(
    numbers.every((number) => number > 0),
    "a code is not of the form E123_NAME",
  );
  assert.deepEqual(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
  );
});

test("the codes of the original system keep their numbers", () => {
  const taken = ["E018_RATE_LIMIT", "E022_CHANNEL_ACCESS_DENIED", "E023_CHANNEL_NOT_FOUND", "E029_DEVICE_LIMIT"];
  for (const code of [...taken, "E030_DEVICE_NOT_FOUND"]) assert.ok(code in errorTable, code);
  const blobCodes = codes.filter((code) => code.includes("BLOB"));
  assert.deepEqual(blobCodes.map((code) => code.slice(0, 4)).slice(0, 4), ["E024", "E025", "E026", "E027"]);
});

test("a reason is read back to an error with the same reason, code, kind and wait", () => {
  const name = fc.stringMatching(/^[a-z][A-Za-z0-9]{0,9}$/).filter((it) => it !== "retryAfterMs");
  const value = fc.oneof(fc.stringMatching(/^[A-Za-z0-9.:-]{0,12}$/), fc.integer(), fc.boolean());
  // A text that begins like a field is read back as one: our texts are sentences.
  const text = fc.string({ maxLength: 30 }).filter((it) => !/^[A-Za-z][A-Za-z0-9]*=/.test(it));
  fc.assert(
    fc.property(
      fc.constantFrom(...codes),
      fc.record(
        {
          retryAfterMs: fc.nat(1e9),
          text,
          fields: fc.dictionary(name, value, { maxKeys: 3 }),
        },
        { requiredKeys: [] },
      ),
      (code, options) => {
        const error = new QpqError(code, options);
        const back = QpqError.fromReason(error.reason);
        assert.equal(back?.reason, error.reason);
        assert.equal(back?.code, code);
        assert.equal(back?.kind, error.kind);
        if (options.retryAfterMs !== undefined) assert.equal(back?.retryAfterMs, options.retryAfterMs);
      },
    ),
  );
});

test("text that does not begin with a code of the table is no error of ours", () => {
  for (const reason of ["", "E999_NEW something", "constructor", "__proto__ x", " E018_RATE_LIMIT", "internal"]) {
    assert.equal(QpqError.fromReason(reason), undefined, reason);
  }
  fc.assert(fc.property(fc.string(), (reason) => void QpqError.fromReason(reason)));
});
