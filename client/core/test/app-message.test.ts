/** Application messages: what was said comes back, what is unknown is kept, what is malformed is one error. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type AppMessage, decodeAppMessage, encodeAppMessage } from "quicproquo-core";
import { QpqError } from "quicproquo-proto";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const text = (bytesMax: number) =>
  fc.string({ unit: "grapheme", maxLength: 400 }).filter((it) => Buffer.byteLength(it) <= bytesMax);
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });
const message: fc.Arbitrary<AppMessage> = fc.oneof(
  record({ type: fc.constant("chat" as const), msgId: bytes(16), body: text(65_535) }),
  record({ type: fc.constant("reply" as const), ref: bytes(16), body: text(65_535) }),
  record({ type: fc.constant("reaction" as const), ref: bytes(16), emoji: text(255) }),
  record({ type: fc.constant("readReceipt" as const), ref: bytes(16) }),
  record({ type: fc.constant("typing" as const), active: fc.boolean() }),
  record({ type: fc.constant("edit" as const), ref: bytes(16), body: text(65_535) }),
  record({ type: fc.constant("delete" as const), ref: bytes(16) }),
  record({
    type: fc.constant("fileRef" as const),
    blobId: bytes(32),
    name: text(65_535),
    sizeBytes: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    mime: text(65_535),
    contentKey: bytes(32),
    nonce: bytes(12),
  }),
  record({ type: fc.constant("dummy" as const) }),
  record({ type: fc.constant("groupName" as const), name: text(255) }),
  record({ type: fc.constant("timer" as const), seconds: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
);

function isBadRequest(error: unknown): boolean {
  return error instanceof QpqError && error.code === "E001_BAD_REQUEST";
}

test("every message of every type comes back as it was", () => {
  fc.assert(fc.property(message, (each) => assert.deepEqual(decodeAppMessage(encodeAppMessage(each)), each)));
});

test("the eleven types have the bytes of the wire contract", () => {
  const id = new Uint8Array(16).fill(0xaa);
  const idHex = "aa".repeat(16);
  const golden: readonly (readonly [AppMessage, string])[] = [
    [{ type: "chat", msgId: id, body: "hé" }, `0101${idHex}000368c3a9`],
    [{ type: "reply", ref: id, body: "a" }, `0102${idHex}000161`],
    [{ type: "reaction", ref: id, emoji: "👍" }, `0103${idHex}04f09f918d`],
    [{ type: "readReceipt", ref: id }, `0104${idHex}`],
    [{ type: "typing", active: true }, "010501"],
    [{ type: "edit", ref: id, body: "" }, `0106${idHex}0000`],
    [{ type: "delete", ref: id }, `0107${idHex}`],
    [
      {
        type: "fileRef",
        blobId: new Uint8Array(32).fill(1),
        name: "n",
        sizeBytes: 258n,
        mime: "m/m",
        contentKey: new Uint8Array(32).fill(2),
        nonce: new Uint8Array(12).fill(3),
      },
      `0108${"01".repeat(32)}00016e000000000000010200036d2f6d${"02".repeat(32)}${"03".repeat(12)}`,
    ],
    [{ type: "dummy" }, "0109"],
    [{ type: "groupName", name: "us" }, "010a027573"],
    [{ type: "timer", seconds: 3600 }, "010b00000e10"],
  ];
  for (const [each, hex] of golden) {
    assert.equal(Buffer.from(encodeAppMessage(each)).toString("hex"), hex, each.type);
    assert.deepEqual(decodeAppMessage(Buffer.from(hex, "hex")), each, each.type);
  }
});

test("any bytes give a message or E001, and a message that was read is written back to the same bytes", () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(fc.integer({ min: 1, max: 12 }), fc.uint8Array({ maxLength: 120 })).map(([code, rest]) => {
      return Uint8Array.of(1, code, ...rest);
    }),
  );
  fc.assert(
    fc.property(hostile, (input) => {
      let decoded: AppMessage;
      try {
        decoded = decodeAppMessage(input);
      } catch (error) {
        assert.ok(isBadRequest(error), String(error));
        return;
      }
      // typing takes any byte that isn't 0 for yes
      if (decoded.type !== "typing") assert.deepEqual(encodeAppMessage(decoded), input);
    }),
    { numRuns: 2_000 },
  );
});

test("a message cut at any length, or with one byte more, is E001", () => {
  fc.assert(
    fc.property(message, (each) => {
      const whole = encodeAppMessage(each);
      for (let length = 0; length < whole.length; length++) {
        assert.throws(() => decodeAppMessage(whole.subarray(0, length)), isBadRequest, `length ${length}`);
      }
      assert.throws(() => decodeAppMessage(Uint8Array.of(...whole, 0)), isBadRequest);
    }),
    { numRuns: 50 },
  );
});

test("an unknown type and an unknown version are kept as unsupported, byte for byte", () => {
  fc.assert(
    fc.property(fc.integer({ min: 12, max: 255 }), fc.uint8Array({ maxLength: 64 }), (code, rest) => {
      const unknown = Uint8Array.of(1, code, ...rest);
      const decoded = decodeAppMessage(unknown);
      assert.deepEqual(decoded, { type: "unsupported", code, bytes: unknown });
      assert.deepEqual(encodeAppMessage(decoded), unknown);
    }),
  );
  const version2 = Uint8Array.of(2, 1, 0);
  assert.deepEqual(decodeAppMessage(version2), { type: "unsupported", code: 0, bytes: version2 });
});

test("a text that its length field cannot hold is E001, the longest one that fits is written", () => {
  const msgId = new Uint8Array(16);
  assert.equal(encodeAppMessage({ type: "chat", msgId, body: "x".repeat(65_535) }).length, 2 + 16 + 2 + 65_535);
  assert.throws(() => encodeAppMessage({ type: "chat", msgId, body: "x".repeat(65_536) }), isBadRequest);
  assert.throws(() => encodeAppMessage({ type: "groupName", name: "é".repeat(128) }), isBadRequest);
  assert.throws(() => encodeAppMessage({ type: "chat", msgId: new Uint8Array(15), body: "" }), isBadRequest);
  assert.throws(() => encodeAppMessage({ type: "timer", seconds: 2 ** 32 }), isBadRequest);
  assert.throws(() => encodeAppMessage({ type: "timer", seconds: 0.5 }), isBadRequest);
});

test("a text that is not UTF-8 is E001, and one that begins with a byte order mark keeps it", () => {
  const broken = Uint8Array.of(1, 10, 2, 0xc3, 0x28);
  assert.throws(() => decodeAppMessage(broken), isBadRequest);
  const marked: AppMessage = { type: "groupName", name: "\ufeffus" };
  assert.deepEqual(decodeAppMessage(encodeAppMessage(marked)), marked);
});
