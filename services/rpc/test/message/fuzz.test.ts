/** Whatever bytes arrive, parsing and then reading everything throws nothing but MessageError, and ends soon. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  defaultMessageLimits,
  MessageBuilder,
  MessageError,
  MessageReader,
  type PointerReader,
  StructBuilder,
  StructReader,
} from "../../src/message/index.ts";
import { frameOf } from "./frame-of-words.ts";

const shape = { name: "Shape", dataWords: 2, pointerWords: 3, Reader: StructReader, Builder: StructBuilder };

/** Reads a pointer as everything it could be; `visits` bounds a walk that validation should have bounded. */
function readEverything(pointer: PointerReader, visits: { left: number }): void {
  if (--visits.left < 0) throw new Error("validation let an amplified message pass");
  attempt(() => pointer.asData());
  attempt(() => pointer.asText());
  attempt(() => pointer.capability());
  attempt(() => [...pointer.asPrimitiveList("uint32")]);
  attempt(() => [...pointer.asPrimitiveList("bool")]);
  attempt(() => [...pointer.asPrimitiveList("float64")]);
  attempt(() => {
    for (const element of pointer.asStructList(shape)) readStruct(element, visits);
  });
  attempt(() => readStruct(pointer.asStructRaw(), visits));
}

function readStruct(struct: StructReader, visits: { left: number }): void {
  if (--visits.left < 0) throw new Error("validation let an amplified message pass");
  struct.getUint64(8);
  struct.getBool(127);
  for (let index = 0; index < 3; index++) if (!struct.isNull(index)) readEverything(struct.getPointer(index), visits);
}

function attempt(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
  }
}

function parseAndRead(frame: Uint8Array): void {
  attempt(() => readEverything(MessageReader.parse(frame).rootPointer, { left: 200_000 }));
}

/** A word that looks like a pointer with small numbers more often than chance would have it. */
const pointerLike = fc
  .tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: -4, max: 12 }), fc.integer({ min: 0, max: 9 }), fc.nat(3))
  .map(([kind, offset, low, high]) => {
    const lower = BigInt.asUintN(32, BigInt((offset << 2) | (kind & 3)));
    return (BigInt(kind > 3 ? (low << 3) | 7 : low | (high << 16)) << 32n) | lower;
  });
const segment = fc.array(
  fc.oneof({ weight: 5, arbitrary: pointerLike }, fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })),
  {
    minLength: 1,
    maxLength: 12,
  },
);

test("words that look like pointers throw only MessageError", () => {
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 3 }), (segments) => parseAndRead(frameOf(...segments))),
    { numRuns: 3_000 },
  );
});

test("random bytes throw only MessageError", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), parseAndRead), { numRuns: 1_000 });
});

function honestFrame(): Uint8Array {
  const builder = new MessageBuilder();
  const root = builder.initRootStruct(2, 3);
  root.setUint64(0, 1n);
  root.setText(0, "text");
  const list = root.initStructList(1, 3, shape);
  list.get(0).setData(0, new Uint8Array(20).fill(1));
  list.get(2).initStruct(1, 2, 3).setText(2, "inside");
  root.initDataList(2, 2).set(0, Uint8Array.of(1, 2, 3));
  return builder.toFrame().slice();
}

test("an honest message with any bit flipped throws only MessageError", () => {
  const frame = honestFrame();
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const flipped = frame.slice();
    flipped[bit >>> 3] = (flipped[bit >>> 3] as number) ^ (1 << (bit & 7));
    parseAndRead(flipped);
  }
});

test("an honest message with bytes overwritten throws only MessageError", () => {
  const frame = honestFrame();
  const edits = fc.array(fc.tuple(fc.nat(frame.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(edits, (list) => {
      const changed = frame.slice();
      for (const [at, value] of list) changed[at] = value;
      parseAndRead(changed);
    }),
    { numRuns: 2_000 },
  );
});

test("a copy of whatever passes validation is a valid message with the same reading", () => {
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 3 }), (segments) => {
      let message: MessageReader;
      try {
        message = MessageReader.parse(frameOf(...segments));
      } catch (error) {
        assert.ok(error instanceof MessageError);
        return;
      }
      const builder = new MessageBuilder();
      builder.rootPointer.copyFrom(message.rootPointer);
      // Lists of elements without bytes weigh as much in a small copy as they did in a large source.
      const copy = MessageReader.parse(builder.toFrame(), { ...defaultMessageLimits, amplificationMax: 1_000 });
      const again = new MessageBuilder();
      again.rootPointer.copyFrom(copy.rootPointer);
      assert.deepEqual(again.toFrame(), builder.toFrame());
    }),
    { numRuns: 3_000 },
  );
});
