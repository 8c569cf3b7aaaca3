/** What the fuzzer works with: recordings, inputs as text, messages of many segments, chance with a seed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { inputOf, type Op, textOf } from "../../fuzz/input.ts";
import { peerTarget } from "../../fuzz/peer/target.ts";
import { Random } from "../../fuzz/random.ts";
import { play } from "../../fuzz/recorder.ts";
import { resegment } from "../../fuzz/resegment.ts";
import { MessageBuilder, MessageReader } from "../../src/message/index.ts";
import { callAt, messageTag, returnAt } from "../../src/rpc-layout.ts";

const number = fc.nat(1_000_000);
const op: fc.Arbitrary<Op> = fc.oneof(
  fc.uint8Array({ maxLength: 50 }).map((bytes): Op => ({ kind: "bytes", bytes })),
  fc.tuple(number, number).map(([a, b]): Op => ({ kind: "act", name: "echo", a, b })),
  fc.tuple(number, number).map(([seed, count]): Op => ({ kind: "improvise", seed, count })),
  fc.constantFrom<Op>({ kind: "turn" }, { kind: "end" }, { kind: "cut" }, { kind: "block" }, { kind: "drain" }),
);

test("an input is the same after it was written down", () => {
  fc.assert(
    fc.property(fc.array(op), (ops) => {
      const input = { target: "peer", variant: "tight", ops };
      assert.deepEqual(inputOf(textOf(input, ["a comment"])), input);
    }),
  );
});

test("a line that is no step is refused", () => {
  assert.throws(() => inputOf("target peer\nvariant plain\nsleep 5\n"), SyntaxError);
});

test("the same seeds make the same choices, others make others", () => {
  const choices = (...seeds: (string | number)[]): string => {
    const random = new Random(...seeds);
    return Array.from({ length: 20 }, () => random.below(1_000)).join();
  };
  assert.equal(choices(1, "peer", 7), choices(1, "peer", 7));
  assert.notEqual(choices(1, "peer", 7), choices(1, "peer", 8));
  assert.notEqual(choices(1, "peer", 7), choices(1, "node", 7));
});

test("a recording played back is the same session, byte for byte", async () => {
  const recordings = await peerTarget.record();
  let frames = 0;
  for (const { ops, sent } of recordings) {
    assert.deepEqual(await play(peerTarget.open("plain"), ops), sent);
    frames += sent.length;
  }
  assert.ok(frames > 500, "the recordings hold little");
});

test("the recordings hold every kind of message, promises that are resolved, tail calls and many segments", async () => {
  const frames = (await peerTarget.record()).flatMap(({ ops }) =>
    ops.map((op) => (op.kind === "bytes" ? op.bytes : [])),
  );
  const seen = new Set<string>();
  for (const frame of frames) {
    if (!(frame instanceof Uint8Array)) continue;
    const root = MessageReader.parse(frame).rootStruct;
    const body = root.getStruct(0);
    const kind = root.getUint16(0);
    seen.add(`kind ${kind}`);
    if (kind === messageTag.call) seen.add(`results to ${body.getUint16(callAt.sendResultsToTag)}`);
    if (kind === messageTag.return) seen.add(`return ${body.getUint16(returnAt.tag)}`);
    if ((frame[0] as number) > 0) seen.add("many segments");
  }
  const expected = ["return 0", "return 1", "return 2", "return 4", "results to 0", "results to 1", "many segments"];
  for (const name of ["call", "return", "finish", "resolve", "release", "bootstrap", "disembargo"] as const) {
    expected.push(`kind ${messageTag[name]}`);
  }
  assert.deepEqual(
    expected.filter((one) => !seen.has(one)),
    [],
  );
});

test("a message spread over segments reads as it did", async () => {
  const frames = (await peerTarget.record()).flatMap(({ sent }) => sent);
  const kinds = new Set<number>();
  for (const [index, frame] of frames.entries()) {
    const spread = resegment(frame, new Random(index));
    kinds.add(spread[0] as number);
    assert.deepEqual(copied(spread), copied(frame));
  }
  assert.ok(kinds.size >= 5, "one to five segments");
});

/** The one form of a message's content. Pads and pointers between segments are no part of it. */
function copied(frame: Uint8Array): Uint8Array {
  const message = MessageReader.parse(frame);
  message.capTable = Array.from({ length: 16 }, (_, index) => `capability ${index}`);
  const builder = new MessageBuilder();
  builder.rootPointer.copyFrom(message.rootPointer);
  return builder.toFrame();
}
