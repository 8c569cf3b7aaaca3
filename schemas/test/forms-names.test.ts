/** Interfaces and their parents, names that are taken, and what a newer schema adds (fixtures/forms.capnp). */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { MessageBuilder, MessageReader } from "quicproquo-rpc/message";
import { capnp } from "./capnp-tool.ts";
import { built, fixtures, formsSchema, textOf } from "./forms-reference.ts";
import * as forms from "./gen/forms.ts";
import * as kinds from "./gen/kinds.ts";
import * as shared from "./gen/shared.ts";

test("an interface with several parents has the methods of all of them once, each with its own interface's id", () => {
  const { methods } = forms.Both;
  const table = Object.values(methods).map(({ interfaceId, ordinal, name }) => [name, interfaceId, ordinal]);
  assert.deepEqual(table, [
    ["ping", 0xd0c1a5f27b3e9846n, 0],
    ["turn", 0xc1d2e3f4a5b60718n, 0],
    ["shift", 0xc2d3e4f5a6b70819n, 0],
    ["echo", kinds.Service.id, 0],
    ["find", kinds.Service.id, 1],
    ["dig", kinds.Deeper.id, 0],
    ["second", 0xc3d4e5f6a7b8091an, 1],
    ["first", 0xc3d4e5f6a7b8091an, 0],
  ]);
  assert.deepEqual(forms.Both.superclasses, [forms.Left, forms.Right, kinds.Deeper]);
  assert.equal(methods.first.results, forms.Documented);
  assert.equal(forms.BothWithin.methods.look.params, forms.BothInside);
  assert.equal(forms.BothFirstParams.pointerWords, 1);
});

test("names of the runtime, of TypeScript and of an imported file can be used in a schema", () => {
  const frame = built(forms.Message, (message) => {
    message.constructor_ = "text";
    message.which = 7;
    message.class = true;
    message.initStruct_().initDefault().initList(1).get(0).isNull = true;
  });
  const read = MessageReader.parse(frame).root(forms.Message);
  assert.deepEqual([read.constructor_, read.which_, read.class, read.isNull_], ["text", 7, true, false]);
  assert.equal(read.struct.default.list.get(0).isNull_, true);
  const point = built(forms.Point, (it) => void (it.initTheirs().x = 4));
  assert.equal(MessageReader.parse(point).root(forms.Point).theirs.x, 4);
  assert.notEqual(forms.Point, shared.Point);
});

test("what a newer schema adds to an enum or a union is undefined here, and is kept when the message is copied", (context) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "qpq-forms-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const newer = path.join(folder, "newer.capnp");
  const source = readFileSync(formsSchema, "utf8")
    .replaceAll(/import "(?!\/)/g, `import "${fixtures}/`)
    .replace("default @2;\n", "default @2; newer @3;\n")
    .replace("    pair :group {", "    more @11 :UInt32;\n    pair :group {");
  writeFileSync(newer, source);
  const arm = capnp(["encode", "-I/", newer, "Documented"], "(more = 5)");
  assert.equal(MessageReader.parse(arm).root(forms.Documented).which(), undefined);
  const enumerant = capnp(["encode", "-I/", newer, "Documented"], "(level = newer)");
  const read = MessageReader.parse(enumerant).root(forms.Documented);
  assert.deepEqual([read.which(), read.level], ["level", undefined]);
  for (const [frame, text] of [
    [arm, "more = 5"],
    [enumerant, "level = newer"],
  ] as const) {
    const copy = new MessageBuilder();
    copy.rootPointer.copyFrom(MessageReader.parse(frame).rootPointer);
    assert.ok(textOf(capnp(["decode", "-I/", "--short", newer, "Documented"], copy.toFrame())).includes(text));
  }
});
