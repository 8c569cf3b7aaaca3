/** Defaults and constants of every kind (fixtures/forms.capnp) are what the C++ reference says they are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageReader } from "quicproquo-rpc/message";
import { capnp } from "./capnp-tool.ts";
import { built, formsSchema, holds, nothingSet, textOf } from "./forms-reference.ts";
import * as forms from "./gen/forms.ts";

const plainTree = (tree: forms.TreeReader): unknown => ({
  label: tree.label,
  children: [...tree.children].map(plainTree),
  weights: [...tree.weights],
  point: [tree.point.x, tree.point.y],
});
const leaf = { label: "", children: [], weights: [], point: [0, -7] };

/** What a field reads that was not set, and what the reference says its default is. */
const defaults: Readonly<Record<string, [(it: forms.MoreDefaultsReader) => unknown, unknown, string]>> = {
  texts: [(it) => [...it.texts], ["a", "", "grüße"], '["a", "", "grüße"]'],
  datas: [(it) => [...it.datas], [Uint8Array.of(0, 255), new Uint8Array(0)], String.raw`["\000\377", ""]`],
  flags: [
    (it) => [...it.flags].map(Number).join(""),
    "101100001",
    "[true, false, true, true, false, false, false, false, true]",
  ],
  numbers: [(it) => [...it.numbers].map((list) => [...list]), [[1], [], [2, 3]], "[[1], [], [2, 3]]"],
  colors: [(it) => [...it.colors], [2, 0], "[blue, red]"],
  tree: [
    (it) => plainTree(it.tree),
    {
      ...leaf,
      label: "root",
      children: [
        { ...leaf, label: "leaf", weights: [7] },
        { ...leaf, point: [1, -7] },
      ],
    },
    '(label = "root", children = [(label = "leaf", weights = [7]), (point = (x = 1, y = -7))])',
  ],
  notANumber: [(it) => it.notANumber, Number.NaN, "nan"],
  negative: [(it) => it.negative, Number.NEGATIVE_INFINITY, "-inf"],
  minusZero: [(it) => it.minusZero, -0, "-0"],
  nothing: [(it) => it.nothing, undefined, "void"],
  quoted: [(it) => it.quoted, '"quoted" \\ line\nend \u0007', String.raw`"\"quoted\" \\ line\nend \a"`],
  shallow: [
    (it) => [it.shallow.last, it.shallow.part.inside, it.shallow.part.weight, it.shallow.choice.left, it.shallow.level],
    ["x", true, -4, 4, "low"],
    '(first = 0, last = "x", part = (inside = true, weight = -4), choice = (left = 4), level = low)',
  ],
};
test("every kind of default is what the reference says it is", () => {
  const ours = built(forms.MoreDefaults, () => {});
  const theirs = capnp(["encode", formsSchema, "MoreDefaults"], "()");
  for (const [name, [read, expected, text]] of Object.entries(defaults)) {
    assert.equal(textOf(capnp(["eval", "--short", formsSchema, `MoreDefaults.${name}`], "")), text, name);
    for (const frame of [ours, theirs]) {
      assert.deepEqual(read(MessageReader.parse(frame).root(forms.MoreDefaults)), expected, name);
    }
  }
  const names = Object.getOwnPropertyNames(forms.MoreDefaultsReader.prototype).filter((name) => name !== "constructor");
  assert.deepEqual(names, Object.keys(defaults));
});

test("a value that was set, zero and empty as well, is read instead of the default, by the reference too", () => {
  holds(
    forms.MoreDefaults,
    {
      fill: (it) => {
        it.initTexts(0);
        it.initDatas(1).set(0, Uint8Array.of(0x41));
        it.initFlags(1);
        it.initNumbers(0);
        it.initColors(0);
        it.initTree();
        it.notANumber = 0;
        it.negative = 2.5;
        it.minusZero = 0;
        it.quoted = "";
        it.initShallow();
      },
      text:
        '(texts = [], datas = ["A"], flags = [false], numbers = [], colors = [], tree = (), notANumber = 0, ' +
        `negative = 2.5, minusZero = 0, nothing = void, quoted = "", shallow = (first = 0, ${nothingSet}plain = void))`,
    },
    (it) => [
      it.texts.length,
      it.datas.get(0)[0],
      it.flags.get(0),
      it.numbers.length,
      it.colors.length,
      plainTree(it.tree),
      it.notANumber,
      it.negative,
      it.minusZero,
      it.quoted,
      it.shallow.which(),
    ],
    [0, 0x41, false, 0, 0, leaf, 0, 2.5, 0, "", "plain"],
  );
});

/** A constant, its value, and what the reference says it is. */
const constants: Readonly<Record<string, readonly [ours: unknown, value: unknown, text: string]>> = {
  texts: [[...forms.texts], ["one", "two"], '["one", "two"]'],
  datas: [[...forms.datas], [Uint8Array.of(1), Uint8Array.of(2, 3)], String.raw`["\001", "\002\003"]`],
  flags: [[...forms.flags], [false, true, true], "[false, true, true]"],
  numbers: [[...forms.numbers].map((list) => [...list]), [[-1, 2], []], "[[-1, 2], []]"],
  colors: [[...forms.colors], [1], "[green]"],
  points: [[...forms.points].flatMap((it) => [it.x, it.y]), [1, -7, 0, 2], "[(x = 1, y = -7), (x = 0, y = 2)]"],
  tree: [
    plainTree(forms.tree),
    { ...leaf, label: "top", children: [{ ...leaf, weights: [1, 2] }], point: [5, 6] },
    '(label = "top", children = [(weights = [1, 2])], point = (x = 5, y = 6))',
  ],
  choice: [
    [forms.choice.choice.right, forms.choice.pair.one],
    ["chosen", 1.5],
    '(first = 0, part = (inside = false, weight = -4), choice = (right = "chosen"), pair = (one = 1.5))',
  ],
  alias: [forms.alias, -77, "-77"],
  renamed: [forms.renamed, -77, "-77"],
  notANumber: [forms.notANumber, Number.NaN, "nan"],
  largest: [forms.largest, 2n ** 64n - 1n, "18446744073709551615"],
  level: [forms.level, "default", "default"],
  nothing: [forms.nothing, undefined, "void"],
  tiny: [forms.tiny, 2 ** -149, "1.4012984643248171e-45"],
  "Documented.limit": [forms.documentedLimit, 9, "9"],
};
for (const [name, [ours, value, text]] of Object.entries(constants)) {
  test(`the constant ${name} has the value that the reference says it has`, () => {
    assert.equal(textOf(capnp(["eval", "--short", formsSchema, name], "")), text);
    assert.deepEqual(ours, value);
  });
}
