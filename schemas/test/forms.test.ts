/** Unions, groups, lists and open pointers (fixtures/forms.capnp), held against the C++ reference both ways. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageBuilder, MessageReader } from "quicproquo-rpc/message";
import { capnp } from "./capnp-tool.ts";
import { built, formsSchema, holds, nothingSet, textOf } from "./forms-reference.ts";
import * as forms from "./gen/forms.ts";
import * as kinds from "./gen/kinds.ts";
import * as shared from "./gen/shared.ts";

const documented: Readonly<
  Record<string, [(it: forms.DocumentedBuilder) => void, string, (it: forms.DocumentedReader) => unknown, unknown]>
> = {
  "an unnamed union's first arm": [
    (it) => void (it.last = "x"),
    `(first = 0, last = "x", ${nothingSet}plain = void)`,
    (it) => [it.which(), it.plain],
    ["plain", undefined],
  ],
  "an enum arm that has its default": [
    (it) => void (it.level = "high"),
    `(first = 0, ${nothingSet}level = high)`,
    (it) => [it.which(), it.level],
    ["level", "high"],
  ],
  "an enum arm that has not": [
    (it) => void (it.level = "default"),
    `(first = 0, ${nothingSet}level = default)`,
    (it) => [it.which(), it.level],
    ["level", "default"],
  ],
  "an arm that is a group, with a struct in it": [
    (it) => {
      const pair = it.initPair();
      pair.one = -1.5;
      pair.initTwo().first = 7;
    },
    `(first = 0, ${nothingSet}pair = (one = -1.5, two = (first = 7, ${nothingSet}plain = void)))`,
    (it) => [it.which(), it.pair.one, it.pair.two.first],
    ["pair", -1.5, 7],
  ],
  "a group": [
    (it) => {
      it.part.inside = true;
      it.part.weight = 12;
    },
    "(first = 0, part = (inside = true, weight = 12), choice = (left = 500), plain = void)",
    (it) => [it.part.inside, it.part.weight],
    [true, 12],
  ],
  "a named union's first arm": [
    (it) => void (it.choice.left = 0),
    "(first = 0, part = (inside = false, weight = -4), choice = (left = 0), plain = void)",
    (it) => [it.choice.which(), it.choice.left],
    ["left", 0],
  ],
  "a named union's second arm": [
    (it) => void (it.choice.right = "chosen"),
    '(first = 0, part = (inside = false, weight = -4), choice = (right = "chosen"), plain = void)',
    (it) => [it.choice.which(), it.choice.right],
    ["right", "chosen"],
  ],
  "nested types": [
    (it) => void (it.initNested().initDeepest().depth = 3),
    `(first = 0, ${nothingSet}plain = void, nested = (deepest = (depth = 3)))`,
    (it) => it.nested.deepest.depth,
    3,
  ],
};
for (const [name, [fill, text, read, expected]] of Object.entries(documented)) {
  test(`${name} means the same to the reference`, () => holds(forms.Documented, { fill, text }, read, expected));
}

const shapes: Readonly<Record<string, [(it: kinds.ShapeBuilder) => void, string]>> = {
  unset: [(it) => it.setUnset(), "(area = 0, unset = void)"],
  radius: [(it) => void (it.radius = 4_000_000_000), "(area = 0, radius = 4000000000)"],
  label: [(it) => void (it.label = "ü"), '(area = 0, label = "ü")'],
  corners: [(it) => void (it.initCorners(2).get(1).x = 1), "(area = 0, corners = [(x = 0, y = -7), (x = 1, y = -7)])"],
  exact: [(it) => void (it.initExact().y = 0), "(area = 0, exact = (x = 0, y = 0))"],
  box: [
    (it) => void (it.initBox().fill.color = "blue"),
    "(area = 0, box = (width = 0, height = 0, fill = (color = blue)))",
  ],
};
for (const [arm, [fill, text]] of Object.entries(shapes)) {
  test(`the arm ${arm} of a union means the same to the reference`, () => {
    holds(kinds.Shape, { fill, text }, (it) => it.which(), arm);
  });
}

test("lists of lists of every kind mean the same to the reference", () => {
  holds(
    forms.MoreLists,
    {
      fill: (lists) => {
        const texts = lists.initTexts(2);
        texts.get(0).initTextList(0); // an empty list and none are two things in the canonical form
        const two = texts.get(1).initTextList(2);
        two.set(0, "a");
        two.set(1, "");
        lists.initDatas(1).get(0).initDataList(1).set(0, Uint8Array.of(1, 0x61));
        const flags = lists.initFlags(2);
        const some = flags.get(0).initPrimitiveList(9, "bool");
        some.set(0, true);
        some.set(8, true);
        flags.get(1).initPrimitiveList(0, "bool");
        lists.initColors(1).get(0).initPrimitiveList(2, "uint16").set(1, shared.Color.blue);
        lists.initVoids(1).get(0).initPrimitiveList(3, "void");
        lists.initFloats(1).get(0).initPointerList(1).get(0).initPrimitiveList(1, "float64").set(0, -0.25);
      },
      text:
        '(texts = [[], ["a", ""]], datas = [["\\001a"]], flags = [[true, false, false, false, false, false, false, ' +
        "false, true], []], colors = [[red, blue]], voids = [[void, void, void]], floats = [[[-0.25]]])",
    },
    (it) => ({
      texts: [...it.texts].map((list) => [...list]),
      datas: [...it.datas].map((list) => [...list]),
      flags: [...it.flags].map((list) => [...list].map(Number).join("")),
      colors: [...it.colors].map((list) => [...list]),
      voids: [...it.voids].map((list) => [...list]),
      floats: [...it.floats].map((list) => [...list].map((inner) => [...inner])),
    }),
    {
      texts: [[], ["a", ""]],
      datas: [[Uint8Array.of(1, 0x61)]],
      flags: ["100000001", ""],
      colors: [[0, 2]],
      voids: [[undefined, undefined, undefined]],
      floats: [[[-0.25]]],
    },
  );
});

test("lists of capabilities, of any lists, and capabilities of any kind are read as they were written", () => {
  const message = new MessageBuilder();
  const lists = message.initRoot(forms.MoreLists);
  lists.initCaps(2).get(1).initCapabilityList(2).set(0, "first");
  lists.initAny(1).get(0).initPrimitiveList(2, "uint8").set(1, 9);
  lists.initAnyCaps(2).set(1, "second");
  const reader = MessageReader.parse(message.toFrame());
  reader.capTable = message.capTable;
  const read = reader.root(forms.MoreLists);
  assert.deepEqual(
    [...read.caps].map((list) => [...list]),
    [[], ["first", undefined]],
  );
  assert.deepEqual([...read.any.get(0).asPrimitiveList("uint8")], [0, 9]);
  assert.deepEqual([...read.anyCaps], [undefined, "second"]);
});

test("AnyPointer, AnyStruct and AnyList hold what the reference reads by its type, and the other way round", () => {
  const ours = built(forms.Anything, (it) => {
    it.initAny().setText("any");
    it.initAnyStruct().initStruct(forms.Tree).label = "struct";
    it.initAnyList().initPrimitiveList(2, "uint16").set(1, 5);
  });
  const text = '(any = "any", anyStruct = (label = "struct"), anyList = [0, 5])';
  assert.equal(textOf(capnp(["decode", "--short", formsSchema, "Known"], ours)), text);
  for (const frame of [ours, capnp(["encode", formsSchema, "Known"], text)]) {
    const read = MessageReader.parse(frame).root(forms.Anything);
    assert.deepEqual(
      [read.any.asText(), read.anyStruct.asStruct(forms.Tree).label, [...read.anyList.asPrimitiveList("uint16")]],
      ["any", "struct", [0, 5]],
    );
    assert.throws(() => read.anyStruct.asText(), { code: "badPointer" });
    assert.throws(() => read.anyList.asStructRaw(), { code: "badPointer" });
  }
});
