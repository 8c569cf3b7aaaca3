/** Generated readers and builders of every kind of field; kinds.capnp has one of each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageBuilder, MessageReader } from "quicproquo-rpc/message";
import * as kinds from "./gen/kinds.ts";
import * as shared from "./gen/shared.ts";
import { kindsMessage, plainKinds } from "./kinds-sample.ts";

function shapeOf(fill: (shape: kinds.ShapeBuilder) => void): kinds.ShapeReader {
  const message = new MessageBuilder();
  fill(message.initRoot(kinds.Shape));
  const reader = MessageReader.parse(message.toFrame());
  reader.capTable = message.capTable;
  return reader.root(kinds.Shape);
}

test("every kind of field and list is read as it was written", () => {
  const message = kindsMessage({ withCapabilities: true });
  const reader = MessageReader.parse(message.toFrame());
  reader.capTable = message.capTable;
  const root = reader.root(kinds.Kinds);
  assert.deepEqual(plainKinds(root), {
    scalars: [true, -128, -32768, -2147483648, -(2n ** 63n), 255, 65535, 4294967295, 2n ** 64n - 1n],
    floats: [-0.5, Number.MIN_VALUE],
    pointers: [
      "grüße 🦀 \u0000 in the middle",
      Uint8Array.of(250, 251, 252, 253, 254, 255, 0, 1, 2),
      "blue",
      "wild",
      -1,
      2,
      "a field named like a method",
    ],
    grandchild: "grandchild",
    lists: {
      voids: 3,
      flags: [true, false, false, true, true, false, false, false, true, true],
      signed: [
        [-128, 127],
        [-32768, 32767],
        [-2147483648, 2147483647],
        [-(2n ** 63n), 2n ** 63n - 1n],
      ],
      unsigned: [
        [0, 255],
        [0, 65535],
        [0, 4294967295],
        [0n, 2n ** 64n - 1n],
      ],
      floats: [
        [0.25, -1.5],
        [Math.PI, -1e300],
      ],
      others: [
        ["a", "", "ü"],
        [Uint8Array.of(1, 2, 3), new Uint8Array(0)],
        [2, 0, 1],
        [
          [0, -7],
          [9, -7],
        ],
      ],
      nested: [[], [7, 8]],
      nestedPoints: [[0, 0]],
    },
    numberDefaults: [1, -500, -70000, 5n, 200, 60000, 0],
    otherDefaults: [false, 2n ** 64n - 1n, 0, Number.POSITIVE_INFINITY, "", Uint8Array.of(0xde, 0xad), "red"],
    pointerDefaults: [
      3,
      4,
      [1, 2, 3],
      [
        [1, -7],
        [0, 2],
      ],
    ],
    box: [-3, 4n, "box", "color", "green"],
    place: ["Zürich", 8001],
  });
  assert.deepEqual([root.cap, root.anyCap, root.any.capability()], ["first", "second", "third"]);
  assert.deepEqual([...root.lists.caps], ["fourth", undefined]);
});

test("fields that were not set read as their defaults", () => {
  const message = new MessageBuilder();
  message.initRoot(kinds.Defaults);
  const defaults = MessageReader.parse(message.toFrame()).root(kinds.Defaults);
  assert.deepEqual(
    [defaults.flag, defaults.i8, defaults.i16, defaults.i32, defaults.i64, defaults.u8, defaults.u16, defaults.u32],
    [true, -5, -500, -70_000, -5_000_000_000n, 200, 60_000, 4_000_000_000],
  );
  assert.deepEqual([defaults.u64, defaults.f32, defaults.f64], [2n ** 64n - 1n, -1.5, 3.25]);
  assert.deepEqual(
    [defaults.text, defaults.data, defaults.color, defaults.zero],
    ["grüße", Uint8Array.of(0xde, 0xad), "blue", 0],
  );
  assert.deepEqual([defaults.point.x, defaults.point.y, [...defaults.u16s]], [3, 4, [1, 2, 3]]);
});

test("a union tells its arm and gives only that one", () => {
  const arms: Readonly<
    Record<string, [(shape: kinds.ShapeBuilder) => void, (shape: kinds.ShapeReader) => unknown, unknown]>
  > = {
    unset: [(it) => it.setUnset(), (it) => it.unset, undefined],
    radius: [(it) => void (it.radius = 7), (it) => it.radius, 7],
    label: [(it) => void (it.label = "text"), (it) => it.label, "text"],
    corners: [(it) => it.initCorners(2), (it) => it.corners.length, 2],
    service: [(it) => void (it.service = "capability"), (it) => it.service, "capability"],
    open: [(it) => it.initOpen().setText("any"), (it) => it.open.asText(), "any"],
    exact: [(it) => void (it.initExact().x = 5), (it) => it.exact.x, 5],
  };
  for (const [arm, [fill, read, expected]] of Object.entries(arms)) {
    const shape = shapeOf(fill);
    assert.equal(shape.which(), arm);
    assert.equal(read(shape), expected);
    assert.throws(() => shape.box, { code: "wrongArm" });
  }
  assert.throws(() => shapeOf((it) => it.initBox()).radius, { code: "wrongArm" });
});

test("an arm that only a newer peer knows is undefined, as is an enumerant", () => {
  const shape = shapeOf((it) => it.setUint16(8, 99));
  assert.equal(shape.which(), undefined);
  const message = new MessageBuilder();
  message.initRoot(kinds.Kinds).setUint16(36, 99);
  assert.equal(MessageReader.parse(message.toFrame()).root(kinds.Kinds).color, undefined);
});

test("a group that becomes the arm begins empty, whatever the arm before wrote there", () => {
  const { box } = shapeOf((it) => {
    it.radius = 0xffff_ffff;
    it.label = "not the box's name";
    const first = it.initBox();
    first.height = 1n;
    first.fill.color = "blue";
    it.initBox();
  });
  assert.deepEqual([box.width, box.height, box.name, box.fill.which()], [0, 0n, "", "plain"]);
});

test("an interface lists its own and its inherited methods, each with the id of where it is declared", () => {
  const { methods } = kinds.Deeper;
  assert.deepEqual(Object.keys(methods), ["ping", "echo", "find", "dig"]);
  assert.equal(methods.ping.interfaceId, 0xd0c1a5f27b3e9846n);
  assert.equal(methods.echo.interfaceId, kinds.Service.id);
  assert.equal(methods.dig.interfaceId, kinds.Deeper.id);
  assert.deepEqual([methods.echo.ordinal, methods.find.ordinal, methods.dig.ordinal], [0, 1, 0]);
  assert.deepEqual(kinds.Deeper.superclasses, [kinds.Service]);
  assert.equal(methods.find.params, shared.Point);
  assert.equal(methods.echo.params.name, "Service.echo$Params");
});

test("constants have their values", () => {
  assert.deepEqual(
    [kinds.answer, kinds.far, kinds.greeting, kinds.half, kinds.yes],
    [42, -9_000_000_000n, "hello", 0.5, true],
  );
  assert.deepEqual([kinds.magic, kinds.favourite], [Uint8Array.of(0x51, 0x50, 0x43, 0x45), "green"]);
  assert.deepEqual([kinds.origin.x, kinds.origin.y, [...kinds.primes]], [1, 2, [2, 3, 5, 7]]);
});

test("enums are numbers by name and names by number", () => {
  assert.deepEqual(shared.Color, { red: 0, green: 1, blue: 2 });
  assert.deepEqual([...shared.ColorNames], ["red", "green", "blue"]);
});
