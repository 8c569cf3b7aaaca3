/** Messages made to harm their reader are refused by the validation walk, each with the code of what is wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  defaultMessageLimits,
  MessageBuilder,
  MessageError,
  type MessageLimits,
  MessageReader,
} from "../../src/message/index.ts";
import { capabilityPointer, farPointer, frameOf, listPointer, listTag, structPointer } from "./frame-of-words.ts";

function assertRefused(frame: Uint8Array, code: MessageError["code"], changed: Partial<MessageLimits> = {}): void {
  const limits = { ...defaultMessageLimits, ...changed };
  const isExpected = (error: unknown): boolean => error instanceof MessageError && error.code === code;
  assert.throws(() => MessageReader.parse(frame, limits), isExpected, `expected ${code}`);
}

test("a message cut anywhere is refused as truncated", () => {
  const frame = frameOf([structPointer(0, 1, 0), 5n], [7n]);
  for (let length = 0; length < frame.length; length++) assertRefused(frame.subarray(0, length), "truncated");
  MessageReader.parse(frame);
});

test("bytes behind the message are refused", () => {
  assertRefused(new Uint8Array([...frameOf([0n]), 0]), "outOfBounds");
});

test("a message without a root pointer is refused", () => {
  assertRefused(frameOf([]), "truncated");
  assertRefused(frameOf([], [0n]), "truncated");
});

test("too many segments and too many bytes are refused", () => {
  const header = new Uint8Array(8);
  new DataView(header.buffer).setUint32(0, 0xffff_ffff, true);
  assertRefused(header, "tooManySegments");
  new DataView(header.buffer).setBigUint64(0, 0xffff_ffff_0000_0000n, true);
  assertRefused(header, "tooLarge");
  assertRefused(frameOf([0n], [0n]), "tooManySegments", { segmentsMax: 1 });
  assertRefused(frameOf([0n, 0n]), "tooLarge", { messageBytesMax: 16 });
});

test("pointers out of their segment are refused in every direction", () => {
  assertRefused(frameOf([structPointer(0, 1, 0)]), "outOfBounds");
  assertRefused(frameOf([structPointer(-2, 0, 1)]), "outOfBounds");
  assertRefused(frameOf([structPointer((1 << 29) - 1, 1, 0)]), "outOfBounds");
  assertRefused(frameOf([structPointer(-(1 << 29), 1, 0)]), "outOfBounds");
  assertRefused(frameOf([structPointer(0, 0xffff, 0xffff), 0n]), "outOfBounds");
  assertRefused(frameOf([listPointer(0, 2, 9), 0n]), "outOfBounds");
  assertRefused(frameOf([listPointer(0, 5, (1 << 29) - 1), 0n]), "outOfBounds");
  assertRefused(frameOf([listPointer(0, 7, 1), listTag(1, 1, 0)]), "outOfBounds");
  assertRefused(frameOf([structPointer(0, 0, 1), listPointer(-3, 2, 8)]), "outOfBounds");
});

test("a near pointer does not reach into the next segment, though that lies right behind", () => {
  assertRefused(frameOf([structPointer(0, 1, 0)], [0n]), "outOfBounds");
});

test("far pointers to no segment, out of one, and to one another are refused", () => {
  assertRefused(frameOf([farPointer(1, 0)]), "outOfBounds");
  assertRefused(frameOf([farPointer(0xffff_ffff, 0)]), "outOfBounds");
  assertRefused(frameOf([farPointer(1, 1)], [0n]), "outOfBounds");
  assertRefused(frameOf([farPointer(0, 0)]), "badPointer");
  assertRefused(frameOf([farPointer(1, 0)], [farPointer(0, 0)]), "badPointer");
});

test("double far pointers with a wrong pad or tag are refused", () => {
  assertRefused(frameOf([farPointer(1, 0, true)], [farPointer(0, 0)]), "outOfBounds");
  assertRefused(frameOf([farPointer(1, 0, true)], [structPointer(0, 0, 0), structPointer(0, 1, 0)]), "badPointer");
  assertRefused(frameOf([farPointer(1, 0, true)], [farPointer(1, 0, true), structPointer(0, 1, 0)]), "badPointer");
  assertRefused(frameOf([farPointer(1, 0, true)], [farPointer(1, 0), farPointer(1, 0)]), "badPointer");
  assertRefused(frameOf([farPointer(1, 0, true)], [farPointer(1, 0), structPointer(5, 1, 0)]), "badPointer");
  assertRefused(frameOf([farPointer(1, 0, true)], [farPointer(9, 0), structPointer(0, 1, 0)]), "outOfBounds");
  assertRefused(frameOf([farPointer(1, 0, true)], [farPointer(1, 2), structPointer(0, 1, 0)]), "outOfBounds");
});

test("reserved kinds of pointers are refused", () => {
  assertRefused(frameOf([structPointer(0, 0, 1), capabilityPointer(0) | 4n]), "badPointer");
});

test("composite lists whose tag lies are refused", () => {
  assertRefused(frameOf([listPointer(0, 7, 1), listTag(2, 1, 0), 0n]), "badList");
  assertRefused(frameOf([listPointer(0, 7, 1), listTag(1, 1, 1), 0n]), "badList");
  assertRefused(frameOf([listPointer(0, 7, 1), listTag((1 << 30) - 1, 1, 0), 0n]), "badList");
  assertRefused(frameOf([listPointer(0, 7, 1), listPointer(0, 2, 0), 0n]), "badList");
});

test("a list that holds a pointer to itself is refused", () => {
  const narrow = [structPointer(0, 0, 1), listPointer(0, 6, 1), listPointer(-1, 6, 1)];
  assertRefused(frameOf(narrow), "amplification");
  assertRefused(frameOf(narrow, Array(100).fill(0n)), "tooDeep");
  const wide = frameOf([listPointer(0, 6, 4), ...Array.from({ length: 4 }, (_, i) => listPointer(-(i + 1), 6, 4))]);
  assertRefused(wide, "amplification");
});

test("a struct that holds itself is refused", () => {
  assertRefused(frameOf([structPointer(0, 0, 1), structPointer(-1, 0, 1)]), "amplification");
  assertRefused(frameOf([structPointer(0, 0, 1), structPointer(-1, 0, 1)], Array(100).fill(0n)), "tooDeep");
});

/** `depth` structs inside one another. */
function nested(depth: number): Uint8Array {
  return frameOf([...Array.from({ length: depth }, () => structPointer(0, 0, 1)), 0n]);
}

test("64 levels are read, 65 are refused", () => {
  MessageReader.parse(nested(64));
  assertRefused(nested(65), "tooDeep");
  assertRefused(nested(4), "tooDeep", { nestingMax: 3 });
});

test("levels are counted along a path, not in sum", () => {
  const siblings = Array.from({ length: 200 }, (_, index) => structPointer(199 - index, 0, 1));
  MessageReader.parse(frameOf([structPointer(0, 0, 200), ...siblings, 0n]));
});

test("a chain of lists that doubles at each level is refused before it is walked", () => {
  // 30 levels of lists with two pointers to the same next list: 2^30 visits in 61 words
  const levels = Array.from({ length: 30 }, () => [listPointer(1, 6, 2), listPointer(0, 6, 2)]).flat();
  const startedMs = performance.now();
  assertRefused(frameOf([listPointer(0, 6, 2), ...levels, 0n, 0n]), "amplification");
  assert.ok(performance.now() - startedMs < 1_000);
});

test("many pointers to one large list are refused, a few are read", () => {
  const shared = (count: number): Uint8Array => {
    const pointers = Array.from({ length: count }, (_, index) => listPointer(count - 1 - index, 5, 100));
    return frameOf([listPointer(0, 6, count), ...pointers, ...Array<bigint>(100).fill(0n)]);
  };
  MessageReader.parse(shared(4));
  assertRefused(shared(5), "amplification");
  MessageReader.parse(shared(5), { ...defaultMessageLimits, amplificationMax: 5 });
});

test("lists of elements without bytes cannot amplify", () => {
  assertRefused(frameOf([listPointer(0, 0, (1 << 29) - 1)]), "amplification");
  assertRefused(frameOf([listPointer(0, 7, 0), listTag((1 << 30) - 1, 0, 0)]), "amplification");
  const reader = MessageReader.parse(frameOf([listPointer(0, 0, 4)]));
  assert.equal(reader.rootPointer.asPrimitiveList("void").length, 4);
});

test("text that is not UTF-8 or does not end with zero is refused when it is read", () => {
  const read = (word: bigint, bytes: number): string =>
    MessageReader.parse(frameOf([structPointer(0, 0, 1), listPointer(0, 2, bytes), word])).rootStruct.getText(0);
  const isBadText = (error: unknown): boolean => error instanceof MessageError && error.code === "badText";
  assert.equal(read(0x00_63_62_61n, 4), "abc");
  assert.equal(read(0n, 1), "");
  assert.throws(() => read(0x63_62_61n, 3), isBadText);
  assert.throws(() => read(0n, 0), isBadText);
  for (const bytes of [0xffn, 0x80_c0n, 0x80_a0_edn, 0x80_80n, 0xc3n]) assert.throws(() => read(bytes, 4), isBadText);
});

test("a pointer of another kind than the schema's is refused when it is read", () => {
  const refuses = (code: string, read: () => unknown): void =>
    assert.throws(read, (error: unknown) => error instanceof MessageError && error.code === code);
  const list = MessageReader.parse(frameOf([structPointer(0, 0, 1), listPointer(0, 4, 2), 0n])).rootStruct;
  refuses("badPointer", () => list.getStruct(0));
  refuses("badPointer", () => list.getCapability(0));
  refuses("badList", () => list.getData(0));
  refuses("badList", () => list.getDataList(0));
  refuses("badList", () => list.getPrimitiveList(0, "uint64"));
  refuses("badList", () => list.getPrimitiveList(0, "bool"));
  const struct = MessageReader.parse(frameOf([structPointer(0, 0, 1), structPointer(0, 1, 0), 0n])).rootStruct;
  refuses("badPointer", () => struct.getData(0));
  refuses("badPointer", () => struct.getText(0));
  refuses("badPointer", () => struct.getDataList(0));
  refuses("badPointer", () => MessageReader.parse(frameOf([listPointer(0, 2, 0)])).rootStruct);
  refuses("wrongArm", () => struct.requireArm(0, 1));
});

test("a capability that is not in the table is refused when it is read", () => {
  const message = MessageReader.parse(frameOf([structPointer(0, 0, 1), capabilityPointer(1)]));
  message.capTable = ["only one"];
  assert.throws(() => message.rootStruct.getCapability(0), MessageError);
  message.capTable = ["one", "two"];
  assert.equal(message.rootStruct.getCapability(0), "two");
});

test("a message does not grow beyond its limit", () => {
  const isTooLarge = (error: unknown): boolean => error instanceof MessageError && error.code === "tooLarge";
  const builder = new MessageBuilder({ messageBytesMax: 1_024 });
  const root = builder.initRootStruct(0, 2);
  root.setData(0, new Uint8Array(900));
  assert.throws(() => root.setData(1, new Uint8Array(100)), isTooLarge);
  assert.throws(() => root.initPrimitiveList(1, (1 << 29) - 1, "uint64"), isTooLarge);
  assert.throws(() => root.initPrimitiveList(1, 1 << 29, "void"), isTooLarge);
  assert.throws(() => new MessageBuilder().initRootStruct(0, 1).setData(0, new Uint8Array(8 << 20)), isTooLarge);
});

test("more pointers than a message may have are refused, null ones too", () => {
  const list = (count: number): Uint8Array => frameOf([listPointer(0, 6, count), ...Array<bigint>(count).fill(0n)]);
  const { pointersMax } = defaultMessageLimits;
  MessageReader.parse(list(pointersMax));
  assertRefused(list(pointersMax + 1), "amplification");
  assertRefused(list(4), "amplification", { pointersMax: 3 });
});
