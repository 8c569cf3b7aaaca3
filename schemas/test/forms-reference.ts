/** Messages of the fixtures' types, ours and the C++ reference's, compared. */
import assert from "node:assert/strict";
import path from "node:path";
import { MessageBuilder, MessageReader, type StructType } from "quicproquo-rpc/message";
import { canonical, capnp } from "./capnp-tool.ts";
import * as kinds from "./gen/kinds.ts";

export const fixtures = path.join(import.meta.dirname, "fixtures");
export const formsSchema = path.join(fixtures, "forms.capnp");

export function built<R, B>(type: StructType<R, B>, fill: (builder: B) => void): Uint8Array {
  const message = new MessageBuilder();
  fill(message.initRoot(type));
  return message.toFrame();
}

/** The reference reads what we wrote as `text`, and writes from `text` what we read as `expected`. */
export function holds<R, B>(
  type: StructType<R, B>,
  given: { readonly fill: (builder: B) => void; readonly text: string },
  read: (reader: R) => unknown,
  expected: unknown,
): void {
  const ours = built(type, given.fill);
  const [file, name] = type.name in kinds ? [path.join(fixtures, "kinds.capnp"), type.name] : [formsSchema, type.name];
  assert.equal(textOf(capnp(["decode", "--short", "--quiet", file, name], ours)), given.text);
  const theirs = capnp(["encode", file, name], given.text);
  for (const frame of [ours, theirs]) assert.deepEqual(read(MessageReader.parse(frame).root(type)), expected);
  assert.deepEqual(canonical(file, name, ours), canonical(file, name, theirs));
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trimEnd();
}

/** What a Documented says of fields nobody set. */
export const nothingSet = "part = (inside = false, weight = -4), choice = (left = 500), ";
