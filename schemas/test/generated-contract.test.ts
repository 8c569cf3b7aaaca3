/** What generated code promises beside values: reading changes nothing, writing needs no second copy, texts and docs. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { MessageBuilder, MessageError, MessageReader } from "quicproquo-rpc/message";
import { bytes } from "./bytes.ts";
import { capnp } from "./capnp-tool.ts";
import { Anything, MoreDefaults, MoreLists, Tree } from "./gen/forms.ts";
import { Defaults, Kinds, Lists, Shape } from "./gen/kinds.ts";
import { kindsMessage } from "./kinds-sample.ts";

const kindsSchema = path.join(import.meta.dirname, "fixtures", "kinds.capnp");

/** Reads every getter there is, and every element of what it gives, down to `depth`. */
function readEverything(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null || depth === 0 || value instanceof Uint8Array) return 1;
  let read = 0;
  if (Symbol.iterator in value) {
    for (const element of value as Iterable<unknown>) read += readEverything(element, depth - 1);
    return read;
  }
  for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(value)))) {
    if (get === undefined || name === "capTable") continue;
    try {
      read += readEverything(get.call(value), depth - 1);
    } catch (error) {
      assert.ok(error instanceof MessageError && error.code === "wrongArm", `${name}: ${String(error)}`);
    }
  }
  return read;
}

test("reading everything of a message leaves every byte of it as it was", () => {
  const full = kindsMessage({ withCapabilities: false }).toFrame().slice();
  const empty = new MessageBuilder().toFrame().slice();
  const segments = capnp(["convert", "--segment-size=64", "binary:binary", kindsSchema, "Kinds"], full);
  assert.ok((segments[0] as number) > 0, "one segment only");
  const frames = { full, empty, segments };
  for (const [name, frame] of Object.entries(frames)) {
    const before = frame.slice();
    let read = 0;
    for (const type of [Kinds, Lists, Defaults, Shape, MoreLists, MoreDefaults, Anything, Tree]) {
      // of another type than it was written as only where there is nothing
      if (name === "empty" || type === Kinds) read += readEverything(MessageReader.parse(frame).root<object>(type), 6);
    }
    assert.ok(read > 60, `${name}: ${read} were read`);
    assert.deepEqual(frame, before, name);
  }
});

test("a builder writes into the bytes that are sent: there is no object that is turned into them afterwards", () => {
  const message = new MessageBuilder();
  const kinds = message.initRoot(Kinds);
  const point = kinds.initPoint();
  const numbers = kinds.initLists().initU32s(3);
  const frame = message.toFrame();
  kinds.u64 = 0x0102_0304_0506_0708n;
  point.x = -2;
  numbers.set(2, 77);
  const read = MessageReader.parse(frame).root(Kinds);
  assert.deepEqual([read.u64, read.point.x, [...read.lists.u32s]], [0x0102_0304_0506_0708n, -2, [0, 0, 77]]);
});

test("data is copied into the message once, when it is set", () => {
  const message = new MessageBuilder();
  const data = bytes(5, 1);
  message.initRoot(Kinds).data = data;
  data.fill(0);
  const frame = message.toFrame();
  const read = MessageReader.parse(frame).root(Kinds).data;
  assert.deepEqual(read, bytes(5, 1));
  assert.equal(read.buffer, frame.buffer, "what is read is a view of the frame");
});

test("a text that is not UTF-8, or does not end with a zero byte, is an error when it is read, and nothing else is", () => {
  for (const wrong of [
    [0xff, 0],
    [0xc3, 0],
    [0xed, 0xa0, 0x80, 0],
    [0xf8, 0x88, 0x80, 0x80, 0x80, 0],
    [0xc0, 0x80, 0],
    [0x61],
    [],
  ]) {
    const message = new MessageBuilder();
    const kinds = message.initRoot(Kinds);
    kinds.u8 = 7;
    kinds.place.city = "fine";
    // text and Data are the same on the wire
    kinds.getPointer(0).setData(Uint8Array.from(wrong));
    kinds.initLists().getPointer(12).initDataList(2).set(1, Uint8Array.from(wrong));
    const read = MessageReader.parse(message.toFrame()).root(Kinds);
    assert.throws(() => read.text, { name: "MessageError", code: "badText" }, `bytes ${wrong.join()}`);
    assert.throws(() => read.lists.texts.get(1), { name: "MessageError", code: "badText" });
    assert.deepEqual([read.lists.texts.get(0), read.u8, read.place.city], ["", 7, "fine"]);
  }
});

const documented: Readonly<Record<string, readonly [file: string, doc: string, behind: RegExp]>> = {
  "of a file": ["forms", "The forms of a schema that kinds.capnp has not.", /^import /m],
  "of a struct, on its reader": ["forms", "A struct.", /^export class DocumentedReader /],
  "of a struct, on its builder": ["forms", "A struct.", /^export class DocumentedBuilder /],
  "of a struct, on its type": ["forms", "A struct.", /^export const Documented:/],
  "of a struct in a struct": ["forms", "A struct in a struct.", /^export class DocumentedNestedReader /],
  "of a field, read": ["forms", "Declared first, numbered second.", /^get last\(\): string/],
  "of a field, written": ["forms", "Declared first, numbered second.", /^set last\(value: string\)/],
  "of a field numbered before it was declared": ["forms", "Declared second, numbered first.", /^get first\(\): number/],
  "of a group": ["forms", "A group.", /^get part\(\)/],
  "of a field of a group": ["forms", "A field of the group.", /^get inside\(\): boolean/],
  "of a named union": ["forms", "A named union.", /^get choice\(\)/],
  "of an arm of a named union": ["forms", "The right arm.", /^get right\(\): string/],
  "of an arm of an unnamed union": ["forms", "An arm of the unnamed union.", /^get plain\(\)/],
  "of an arm, where it is set": ["forms", "An arm of the unnamed union.", /^setPlain\(\)/],
  "of an arm that is a group": ["forms", "An arm that is a group.", /^initPair\(\)/],
  "of an enum": ["forms", "An enum in a struct.", /^export const DocumentedLevel = /],
  "of an enumerant": ["forms", "Declared first, numbered second.", /^high: 1,/],
  "of an interface": ["forms", "Has what Base has.", /^export const Left = /],
  "of a method": ["forms", "Declared first, numbered second.", /^second: \{/],
  "of a method numbered before it was declared": ["forms", "Declared second, numbered first.", /^first: \{/],
  "of a constant": ["kinds", "The answer.", /^export const answer: number = 42;/],
  "of a constant in a struct": ["forms", "A constant in a struct.", /^export const documentedLimit: number = 9;/],
};
for (const [name, [file, doc, behind]] of Object.entries(documented)) {
  test(`the doc comment ${name} is TSDoc`, () => {
    const source = readFileSync(path.join(import.meta.dirname, "gen", `${file}.ts`), "utf8");
    const places = source.split(`/** ${doc} */\n`).slice(1);
    assert.ok(
      places.some((place) => behind.test(place.trimStart())),
      `${doc} stands before: ${places.map((place) => place.slice(0, 40).trim()).join(" | ")}`,
    );
  });
}

test("a doc comment of several paragraphs stays one", () => {
  const source = readFileSync(path.join(import.meta.dirname, "gen", "kinds.ts"), "utf8");
  const doc = "/**\n * A struct with one field of every kind.\n *\n * Its second paragraph.\n */\n";
  assert.ok(source.includes(`${doc}export class KindsReader`));
  assert.ok(source.includes("  /** A doc of one line with *\\/ in it. */"));
});
