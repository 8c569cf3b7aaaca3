/** Names have one form, and a proof signs bytes that no other proof signs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { identityProofParts, parseIdentityKey, parseUsername, QpqError } from "quicproquo-proto";

const isRefused = (error: unknown): boolean => error instanceof QpqError && error.code === "E065_USERNAME";

test("names that differ in case, width or composition are one name", () => {
  for (const text of ["Åsa.K", "åsa.k", "Åsa.k", "ａ̊sa.k"]) assert.equal(parseUsername(text), "åsa.k");
});

test("a parsed name parses to itself, and keeps within 64 bytes", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" })), (text) => {
      let name: string;
      try {
        name = parseUsername(text);
      } catch (error) {
        return isRefused(error);
      }
      return parseUsername(name) === name && Buffer.byteLength(name) <= 64 && !/\s|\0/u.test(name);
    }),
    { numRuns: 300 },
  );
});

test("what is no name is refused with E065_USERNAME", () => {
  const wrong = [
    "",
    " a",
    "a b",
    "a\0b",
    "-a",
    ".",
    "\u0301a",
    "a/b",
    "a\u202eb",
    "\ud800",
    "a".repeat(65),
    "ä".repeat(33),
  ];
  for (const text of wrong) assert.throws(() => parseUsername(text), isRefused, JSON.stringify(text));
});

test("two proofs that differ anywhere sign different bytes", () => {
  const name = fc.constantFrom("a", "ab", "aa", "b", "ba").map(parseUsername);
  const bytes = fc.constantFrom(0x61, 0x62).map((byte) => new Uint8Array(32).fill(byte));
  const proof = fc.record({
    username: name,
    identityKey: bytes.map(parseIdentityKey),
    serverPublicKey: bytes,
    transcriptHash: bytes,
  });
  const signed = (fields: Parameters<typeof identityProofParts>[0]): string =>
    Buffer.concat(identityProofParts(fields)).toString("hex");
  const textOf = (fields: object): string =>
    JSON.stringify(fields, (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value));
  fc.assert(
    fc.property(proof, proof, (one, other) => (signed(one) === signed(other)) === (textOf(one) === textOf(other))),
    { numRuns: 1_000 },
  );
});
