/** Peers with an older or newer schema: shorter and longer structs, lists whose elements became structs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageBuilder, MessageReader, StructBuilder, StructReader } from "../../src/message/index.ts";
import { farPointer, frameOf, listPointer, listTag, structPointer } from "./frame-of-words.ts";

const pair = { name: "Pair", dataWords: 1, pointerWords: 1, Reader: StructReader, Builder: StructBuilder };

test("a data section that ends in the middle of the schema's reads as zero behind its end", () => {
  const { rootStruct } = MessageReader.parse(frameOf([structPointer(0, 1, 0), 0xffff_ffff_ffff_ffffn]));
  assert.equal(rootStruct.getUint32(4), 0xffff_ffff);
  assert.equal(rootStruct.getUint32(8), 0);
  assert.equal(rootStruct.getUint64(8), 0n);
  assert.equal(rootStruct.getFloat64(8), 0);
  assert.equal(rootStruct.getBool(63), true);
  assert.equal(rootStruct.getBool(64), false);
});

test("fields that only a newer peer knows are passed over", () => {
  const builder = new MessageBuilder();
  const list = builder.initRootStruct(0, 1).initStructList(0, 2, { ...pair, dataWords: 3, pointerWords: 4 });
  list.get(1).setUint16(0, 9);
  list.get(1).setText(0, "known");
  list.get(1).setText(3, "unknown");
  const element = MessageReader.parse(builder.toFrame()).rootStruct.getStructList(0, pair).get(1);
  assert.equal(element.getUint16(0), 9);
  assert.equal(element.getText(0), "known");
});

test("a list of numbers is read as structs with one field", () => {
  const frame = frameOf([structPointer(0, 0, 1), listPointer(0, 3, 3), 0x0003_0002_0001n]);
  const list = MessageReader.parse(frame).rootStruct.getStructList(0, pair);
  assert.deepEqual(
    [...list].map((it) => [it.getUint16(0), it.getUint16(2), it.getText(0)]),
    [1, 2, 3].map((n) => [n, 0, ""]),
  );
});

test("a list of texts is read as structs with one field", () => {
  const builder = new MessageBuilder();
  builder.initRootStruct(0, 1).initTextList(0, 2).set(1, "text");
  const list = MessageReader.parse(builder.toFrame()).rootStruct.getStructList(0, pair);
  assert.deepEqual(
    [...list].map((it) => it.getText(0)),
    ["", "text"],
  );
});

test("a list of structs is read as its first fields by an older peer", () => {
  const builder = new MessageBuilder();
  const list = builder.initRootStruct(0, 1).initStructList(0, 2, pair);
  list.get(0).setUint32(0, 70_000);
  list.get(1).setData(0, Uint8Array.of(5));
  const { rootStruct } = MessageReader.parse(builder.toFrame());
  assert.deepEqual([...rootStruct.getPrimitiveList(0, "uint32")], [70_000, 0]);
  assert.deepEqual([...rootStruct.getDataList(0)], [new Uint8Array(0), Uint8Array.of(5)]);
  assert.throws(() => rootStruct.getPrimitiveList(0, "bool"), { code: "badList" });
});

test("a list of bits is not read as structs", () => {
  const frame = frameOf([structPointer(0, 0, 1), listPointer(0, 1, 3), 5n]);
  assert.throws(() => MessageReader.parse(frame).rootStruct.getStructList(0, pair), { code: "badList" });
});

test("pointers across segments are followed: far, double far, for structs and lists", () => {
  const root = structPointer(0, 0, 3);
  const segment1 = [structPointer(0, 1, 0), 11n, listPointer(0, 5, 1), 22n];
  const segment2 = [farPointer(3, 1), listPointer(0, 7, 2)];
  const segment3 = [0n, listTag(2, 1, 0), 33n, 44n];
  const frame = frameOf(
    [root, farPointer(1, 0), farPointer(1, 2), farPointer(2, 0, true)],
    segment1,
    segment2,
    segment3,
  );
  const { rootStruct } = MessageReader.parse(frame);
  assert.equal(rootStruct.getStruct(0).getUint64(0), 11n);
  assert.deepEqual([...rootStruct.getPrimitiveList(1, "uint64")], [22n]);
  assert.deepEqual(
    [...rootStruct.getStructList(2, pair)].map((it) => it.getUint64(0)),
    [33n, 44n],
  );
  const copy = new MessageBuilder();
  copy.rootPointer.copyFrom(MessageReader.parse(frame).rootPointer);
  const copied = MessageReader.parse(copy.toFrame()).rootStruct;
  assert.deepEqual(
    [...copied.getStructList(2, pair)].map((it) => it.getUint64(0)),
    [33n, 44n],
  );
});

test("a frame at an odd position of a larger buffer is read", () => {
  const builder = new MessageBuilder();
  builder.initRootStruct(1, 1).setData(0, Uint8Array.of(1, 2, 3));
  const frame = builder.toFrame();
  const larger = new Uint8Array(frame.length + 3);
  larger.set(frame, 3);
  assert.deepEqual(MessageReader.parse(larger.subarray(3)).rootStruct.getData(0), Uint8Array.of(1, 2, 3));
});

test("an empty struct is not null", () => {
  const builder = new MessageBuilder();
  builder.initRootStruct(0, 2).initStruct(1, 0, 0);
  const { rootStruct } = MessageReader.parse(builder.toFrame());
  assert.equal(rootStruct.isNull(0), true);
  assert.equal(rootStruct.isNull(1), false);
});

test("reading changes no byte", () => {
  const builder = new MessageBuilder();
  builder.initRootStruct(1, 2).initStruct(0, 0, 1);
  const frame = builder.toFrame().slice();
  const before = frame.slice();
  const { rootStruct } = MessageReader.parse(frame);
  rootStruct.getStruct(0).getStruct(0).getText(3);
  rootStruct.getStructList(1, pair);
  assert.deepEqual(frame, before);
});

test("offsets outside of a struct and indexes outside of a list are the program's own mistake", () => {
  const root = new MessageBuilder().initRootStruct(1, 1);
  assert.throws(() => root.setUint32(6, 1), RangeError);
  assert.throws(() => root.setUint8(-1, 1), RangeError);
  assert.throws(() => root.setBool(64, true), RangeError);
  assert.throws(() => root.setData(1, new Uint8Array()), RangeError);
  const list = root.initPrimitiveList(0, 2, "uint8");
  assert.throws(() => list.set(2, 1), RangeError);
  assert.throws(() => list.set(-1, 1), RangeError);
});
