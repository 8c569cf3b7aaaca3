/** What a builder writes, a reader reads: every kind of field, list and pointer of the untyped runtime. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageBuilder, MessageReader } from "../../src/message/index.ts";

test("every kind of field is read as it was written", () => {
  const builder = new MessageBuilder();
  const root = builder.initRootStruct(6, 4);
  root.setBool(3, true);
  root.setUint8(1, 0xfe);
  root.setInt16(2, -2);
  root.setUint32(4, 0xfffffffe);
  root.setInt64(8, -(1n << 63n));
  root.setUint64(16, (1n << 64n) - 1n);
  root.setFloat32(24, 1.5);
  root.setInt32(28, -3);
  root.setFloat64(32, Math.PI);
  root.setInt8(40, -4);
  root.setUint16(42, 65535);
  root.setData(0, Uint8Array.of(1, 2, 3));
  root.setText(1, "grüße 🦀");
  root.initStruct(2, 1, 0).setUint16(0, 7);
  const reader = MessageReader.parse(builder.toFrame()).rootStruct;
  assert.equal(reader.getBool(3), true);
  assert.equal(reader.getBool(2), false);
  assert.equal(reader.getUint8(1), 0xfe);
  assert.equal(reader.getInt16(2), -2);
  assert.equal(reader.getUint32(4), 0xfffffffe);
  assert.equal(reader.getInt64(8), -(1n << 63n));
  assert.equal(reader.getUint64(16), (1n << 64n) - 1n);
  assert.equal(reader.getFloat32(24), 1.5);
  assert.equal(reader.getInt32(28), -3);
  assert.equal(reader.getFloat64(32), Math.PI);
  assert.equal(reader.getInt8(40), -4);
  assert.equal(reader.getUint16(42), 65535);
  assert.deepEqual(reader.getData(0), Uint8Array.of(1, 2, 3));
  assert.equal(reader.getText(1), "grüße 🦀");
  assert.equal(reader.getStruct(2).getUint16(0), 7);
  assert.equal(reader.isNull(3), true);
});

test("fields a peer of an older schema does not send read as zero and empty", () => {
  const builder = new MessageBuilder();
  builder.initRootStruct(0, 0);
  const reader = MessageReader.parse(builder.toFrame()).rootStruct;
  assert.equal(reader.getUint64(0), 0n);
  assert.equal(reader.getBool(1000), false);
  assert.equal(reader.getData(5).length, 0);
  assert.equal(reader.getText(5), "");
  assert.equal(reader.getStruct(5).getStruct(0).getUint32(4), 0);
  assert.equal(reader.getDataList(2).length, 0);
  assert.equal(reader.getCapability(1), undefined);
});

test("lists of every kind are read as they were written", () => {
  const builder = new MessageBuilder({ firstBytes: 16 });
  const root = builder.initRootStruct(0, 5);
  const numbers = root.initPrimitiveList(0, 3, "int64");
  [1n, -2n, 3n].forEach((value, index) => numbers.set(index, value));
  const bits = root.initPrimitiveList(1, 11, "bool");
  [0, 9, 10].forEach((index) => bits.set(index, true));
  const texts = root.initTextList(2, 2);
  texts.set(1, "b");
  const lists = root.initPointerList(3, 2);
  lists.get(1).initPrimitiveList(2, "uint16").set(1, 513);
  root.initCapabilityList(4, 2).set(1, "a capability");
  const message = MessageReader.parse(builder.toFrame());
  message.capTable = builder.capTable;
  const reader = message.rootStruct;
  assert.deepEqual([...reader.getPrimitiveList(0, "int64")], [1n, -2n, 3n]);
  assert.equal([...reader.getPrimitiveList(1, "bool")].map(Number).join(""), "10000000011");
  assert.deepEqual([...reader.getTextList(2)], ["", "b"]);
  assert.deepEqual(
    [...reader.getPointerList(3)].map((list) => [...list.asPrimitiveList("uint16")]),
    [[], [0, 513]],
  );
  assert.deepEqual([...reader.getCapabilityList(4)], [undefined, "a capability"]);
});

test("a deep copy takes structs, lists, bits and capabilities along", () => {
  const builder = new MessageBuilder();
  const root = builder.initRootStruct(1, 4);
  root.setUint32(4, 99);
  root.setText(0, "text");
  root.setCapability(1, "first");
  root.initPrimitiveList(2, 9, "bool").set(8, true);
  root.initPointerList(3, 1).get(0).setCapability("second");
  const source = MessageReader.parse(builder.toFrame());
  source.capTable = builder.capTable;

  const copy = new MessageBuilder();
  copy.capTable.push("was there before");
  copy.initRootStruct(0, 1).getPointer(0).copyFrom(source.rootPointer);
  const message = MessageReader.parse(copy.toFrame());
  message.capTable = copy.capTable;
  const reader = message.rootStruct.getStruct(0);
  assert.equal(reader.getUint32(4), 99);
  assert.equal(reader.getText(0), "text");
  assert.equal(reader.getCapability(1), "first");
  assert.equal(reader.getPrimitiveList(2, "bool").get(8), true);
  assert.equal(reader.getPointerList(3).get(0).capability(), "second");
  assert.equal(reader.getPointer(1).capabilityIndex(), 1);
});
