/** What the fuzzer works with: recordings, inputs as text, messages of many segments, chance with a seed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { inputOf, type Op, textOf } from "../../fuzz/input.ts";
import { peerTarget } from "../../fuzz/peer/target.ts";
import { Random } from "../../fuzz/random.ts";
import { resegment } from "../../fuzz/resegment.ts";
import { turn } from "../../fuzz/run.ts";
import { FrameReader, MessageBuilder, MessageReader } from "../../src/message/index.ts";

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
    const world = peerTarget.open("plain");
    const played: Uint8Array[] = [];
    const reader = new FrameReader((frame) => played.push(frame.slice()));
    world.stream.onSent = (chunk) => reader.push(chunk.slice());
    for (const step of ops) {
      if (step.kind === "bytes") world.stream.feed(step.bytes);
      else if (step.kind === "act") world.act(step.name, step.a, step.b);
      else await turn();
    }
    assert.deepEqual(played, sent);
    frames += played.length;
    world.stream.cut();
    await turn();
    world.letGo();
  }
  assert.ok(frames > 500, "the recordings hold little");
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
