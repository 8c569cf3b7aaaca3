/** A Kinds message (fixtures/kinds.capnp) with every field set, and a plain object of everything a reader can be asked. */
import { MessageBuilder } from "quicproquo-rpc/message";
import { bytes } from "./bytes.ts";
import { Kinds, type KindsReader, type ListsBuilder, type ListsReader } from "./gen/kinds.ts";

/** Capabilities have no text form, so the oracle's sample goes without. */
export function kindsMessage(options: { withCapabilities: boolean }): MessageBuilder {
  const message = new MessageBuilder();
  const kinds = message.initRoot(Kinds);
  kinds.flag = true;
  kinds.i8 = -128;
  kinds.i16 = -32_768;
  kinds.i32 = -(2 ** 31);
  kinds.i64 = -(2n ** 63n);
  kinds.u8 = 255;
  kinds.u16 = 65_535;
  kinds.u32 = 2 ** 32 - 1;
  kinds.u64 = 2n ** 64n - 1n;
  kinds.f32 = -0.5;
  kinds.f64 = Number.MIN_VALUE;
  kinds.text = "grüße 🦀 \u0000 in the middle";
  kinds.data = bytes(9, 250);
  kinds.color = "blue";
  kinds.mood = "wild";
  const point = kinds.initPoint();
  point.x = -1;
  point.y = 2;
  kinds.initChild().initChild().text = "grandchild";
  fillLists(kinds.initLists(), options);
  const defaults = kinds.initDefaults();
  defaults.flag = false;
  defaults.i8 = 1;
  defaults.u32 = 0;
  defaults.i64 = 5n;
  defaults.f32 = 0;
  defaults.f64 = Number.POSITIVE_INFINITY;
  defaults.text = "";
  defaults.color = "red";
  const box = kinds.initShape().initBox();
  box.width = -3;
  box.height = 4n;
  box.name = "box";
  box.fill.color = "green";
  kinds.struct = "a field named like a method";
  kinds.place.city = "Zürich";
  kinds.place.zip = 8_001;
  if (options.withCapabilities) {
    kinds.cap = "first";
    kinds.anyCap = "second";
    kinds.initAny().setCapability("third");
  }
  return message;
}

function fillLists(lists: ListsBuilder, options: { withCapabilities: boolean }): void {
  lists.initVoids(3);
  setAll(lists.initFlags(10), [true, false, false, true, true, false, false, false, true, true]);
  setAll(lists.initI8s(2), [-128, 127]);
  setAll(lists.initI16s(2), [-32_768, 32_767]);
  setAll(lists.initI32s(2), [-(2 ** 31), 2 ** 31 - 1]);
  setAll(lists.initI64s(2), [-(2n ** 63n), 2n ** 63n - 1n]);
  setAll(lists.initU8s(2), [0, 255]);
  setAll(lists.initU16s(2), [0, 65_535]);
  setAll(lists.initU32s(2), [0, 2 ** 32 - 1]);
  setAll(lists.initU64s(2), [0n, 2n ** 64n - 1n]);
  setAll(lists.initF32s(2), [0.25, -1.5]);
  setAll(lists.initF64s(2), [Math.PI, -1e300]);
  setAll(lists.initTexts(3), ["a", "", "ü"]);
  setAll(lists.initDatas(2), [bytes(3, 1), bytes(0, 0)]);
  setAll(lists.initColors(3), [2, 0, 1]);
  lists.initPoints(2).get(1).x = 9;
  if (options.withCapabilities) setAll(lists.initCaps(2), ["fourth", undefined]);
  setAll(lists.initNested(2).get(1).initPrimitiveList(2, "uint16"), [7, 8]);
  lists.initNestedPoints(1).get(0).initPointerList(2).get(1);
}

function setAll<T>(list: { set(index: number, value: T): void }, values: readonly T[]): void {
  values.forEach((value, index) => list.set(index, value));
}

export function plainKinds(kinds: KindsReader): unknown {
  const { defaults, shape, place } = kinds;
  const box = shape.which() === "box" ? shape.box : undefined;
  return {
    scalars: [kinds.flag, kinds.i8, kinds.i16, kinds.i32, kinds.i64, kinds.u8, kinds.u16, kinds.u32, kinds.u64],
    floats: [kinds.f32, kinds.f64],
    pointers: [kinds.text, kinds.data, kinds.color, kinds.mood, kinds.point.x, kinds.point.y, kinds.struct],
    grandchild: kinds.child.child.text,
    lists: plainLists(kinds.lists),
    numberDefaults: [defaults.i8, defaults.i16, defaults.i32, defaults.i64, defaults.u8, defaults.u16, defaults.u32],
    otherDefaults: [
      defaults.flag,
      defaults.u64,
      defaults.f32,
      defaults.f64,
      defaults.text,
      defaults.data,
      defaults.color,
    ],
    pointerDefaults: [
      defaults.point.x,
      defaults.point.y,
      [...defaults.u16s],
      [...defaults.points].map((it) => [it.x, it.y]),
    ],
    box: box && [box.width, box.height, box.name, box.fill.which(), box.fill.color],
    place: [place.city, place.zip],
  };
}

function plainLists(lists: ListsReader): unknown {
  return {
    voids: lists.voids.length,
    flags: [...lists.flags],
    signed: [[...lists.i8s], [...lists.i16s], [...lists.i32s], [...lists.i64s]],
    unsigned: [[...lists.u8s], [...lists.u16s], [...lists.u32s], [...lists.u64s]],
    floats: [[...lists.f32s], [...lists.f64s]],
    others: [[...lists.texts], [...lists.datas], [...lists.colors], [...lists.points].map((it) => [it.x, it.y])],
    nested: [...lists.nested].map((it) => [...it]),
    nestedPoints: [...lists.nestedPoints].map((it) => [...it].map((inner) => inner.length)),
  };
}
