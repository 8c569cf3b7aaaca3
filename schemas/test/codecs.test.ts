/** Every codec gives back what it was given, and whatever bytes it gets it throws nothing but MessageError and QpqError. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeTypedEnvelope, encodeTypedEnvelope, methodCodecs, NodeService, QpqError } from "quicproquo-proto";
import { MessageBuilder, MessageError } from "quicproquo-rpc/message";
import { Envelope } from "../src/gen/envelope.ts";
import { everyHalf } from "./arbitraries.ts";
import { bytes } from "./bytes.ts";
import type { Half } from "./frames.ts";

test("each method of NodeService has one codec, under its own name", () => {
  assert.deepEqual(Object.keys(methodCodecs).sort(), Object.keys(NodeService.methods).sort());
  for (const [name, { method }] of Object.entries(methodCodecs)) {
    assert.equal(method, NodeService.methods[name as keyof typeof methodCodecs]);
    assert.equal(method.name, name);
  }
});

for (const { half, value } of everyHalf) {
  test(`${half.name}: decode gives back what encode was given`, () => {
    fc.assert(
      fc.property(value, (expected) => {
        const { frame, capTable } = half.encode(expected);
        assert.deepEqual(half.decode(frame, capTable), expected);
      }),
      { numRuns: 60 },
    );
  });
}

test("bytes changed anywhere throw only MessageError or QpqError", () => {
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
  for (const { half, value } of everyHalf) {
    fc.assert(
      fc.property(value, edits, (honest, list) => {
        const { frame, capTable } = half.encode(honest);
        for (const [at, byte] of list) frame[at % frame.length] = byte;
        decodeOrRefuse(half, frame, capTable);
      }),
      { numRuns: 60 },
    );
  }
});

test("random bytes throw only MessageError or QpqError", () => {
  for (const { half } of everyHalf) {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (frame) => decodeOrRefuse(half, frame, [])),
      { numRuns: 60 },
    );
  }
});

function decodeOrRefuse(half: Half, frame: Uint8Array, capTable: readonly unknown[]): void {
  try {
    half.decode(frame, capTable);
  } catch (error) {
    if (!(error instanceof MessageError || error instanceof QpqError)) throw error;
  }
}

test("a struct that a peer did not fill reads as zero and empty", () => {
  const message = new MessageBuilder();
  message.initRootStruct(0, 0);
  const empty = message.toFrame();
  for (const { half } of everyHalf) assert.doesNotThrow(() => half.decode(empty), half.name);
});

test("decoded data is a view into the frame", () => {
  const row = everyHalf.find(
    ({ half }) => half.name === "NodeService.fetchKeyPackage results",
  ) as (typeof everyHalf)[0];
  const { frame } = row.half.encode({ package: bytes(20, 1) });
  const decoded = row.half.decode(frame) as { package: Uint8Array };
  frame[frame.length - 24] = 0xff; // the first byte of the padded 20
  assert.equal(decoded.package[0], 0xff);
});

test("an envelope of the stand-alone services is read as it was written, an unknown type is refused", () => {
  const envelope = {
    msgType: "mlsCommit",
    groupId: bytes(16, 1),
    senderId: bytes(32, 2),
    payload: bytes(7, 3),
    timestampMs: 1_700_000_000_000n,
  } as const;
  assert.deepEqual(decodeTypedEnvelope(encodeTypedEnvelope(envelope)), envelope);
  const message = new MessageBuilder();
  message.initRoot(Envelope).setUint16(0, 9);
  assert.throws(() => decodeTypedEnvelope(message.toFrame()), { code: "E001_BAD_REQUEST" });
});
