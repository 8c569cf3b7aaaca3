/** The C++ reference reads what our codecs write and writes what they read, for every method. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { methodCodecs } from "quicproquo-proto";
import { MessageReader } from "quicproquo-rpc/message";
import { canonical, capnp, throughText } from "./capnp-tool.ts";
import { Defaults, Kinds } from "./gen/kinds.ts";
import { goldenFrames } from "./golden-frames.ts";
import { kindsMessage, plainKinds } from "./kinds-sample.ts";

const packageFolder = path.dirname(import.meta.dirname);
const folder = mkdtempSync(path.join(os.tmpdir(), "qpq-oracle-"));
after(() => rmSync(folder, { recursive: true }));

/**
 * The tool knows no name for a method's parameters, so they get one: `enqueue @2 (a :Data) -> (b :UInt64);` of interface
 * NodeService becomes `struct NodeServiceEnqueueParams { a @0 :Data; }` and `struct NodeServiceEnqueueResults { b @0
 * :UInt64; }` behind the same schema.
 */
function schemaWithNamedHalves(): string {
  const source = readFileSync(path.join(packageFolder, "node.capnp"), "utf8");
  const structs = [...source.matchAll(/^interface (\w+)(.*?)^\}/gms)].flatMap(([, name = "", body = ""]) =>
    [...body.matchAll(/^ {2}(\w+) @\d+ \((.*)\) -> \((.*)\);$/gm)].flatMap(([, method, params = "", results = ""]) => [
      structOf(typeNameOf(`${name}.${method} params`), params),
      structOf(typeNameOf(`${name}.${method} results`), results),
    ]),
  );
  assert.equal(structs.length, goldenFrames().length);
  const file = path.join(folder, "named.capnp");
  writeFileSync(file, `${source}\n${structs.join("\n")}\n`);
  return file;
}

function structOf(name: string, fields: string): string {
  const numbered = fields.split(", ").filter((field) => field !== "");
  return `struct ${name} { ${numbered.map((field, index) => `${field.replace(" ", ` @${index} `)};`).join(" ")} }`;
}

/** `Inbox.ack params` -> InboxAckParams */
function typeNameOf(half: string): string {
  return half
    .split(/[. ]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

const schema = schemaWithNamedHalves();

for (const { half, value } of goldenFrames()) {
  const type = typeNameOf(half.name);
  test(`${half.name}: the reference reads our bytes and we read the reference's`, () => {
    const told = withoutCapabilities(value);
    const { frame } = half.encode(told);
    const theirs = throughText(schema, type, frame);
    assert.deepEqual(half.decode(theirs), told);
    assert.deepEqual(canonical(schema, type, frame), canonical(schema, type, theirs));
  });
}

/** The tool refuses to read capabilities; the interop tests of services/rpc and services/server pass real ones. */
function withoutCapabilities(value: unknown): unknown {
  const fields = Object.entries(value as object);
  return Object.fromEntries(fields.map(([name, field]) => [name, isCapability(field) ? undefined : field]));
}

function isCapability(field: unknown): boolean {
  return typeof field === "object" && field !== null && "capability" in field;
}

test("the reference writes the same enqueue from text", () => {
  const { frame } = goldenEnqueue();
  const text = `(recipientKey = 0x"${hexOf(0x40, 32)}", payload = 0x"0102030405", channelId = 0x"${hexOf(0x60, 16)}",
    version = 1, auth = (version = 1, accessToken = 0x"${hexOf(0x20, 32)}", deviceId = 0x"d1d2d3"), ttlSecs = 3600,
    idempotencyKey = 0x"${hexOf(0x80, 16)}")`;
  assert.deepEqual(
    canonical(schema, "NodeServiceEnqueueParams", capnp(["encode", schema, "NodeServiceEnqueueParams"], text)),
    canonical(schema, "NodeServiceEnqueueParams", frame),
  );
});

function goldenEnqueue(): { readonly frame: Uint8Array } {
  const row = goldenFrames().find(({ half }) => half.name === "NodeService.enqueue params");
  assert.ok(row);
  assert.equal(methodCodecs.enqueue.method.ordinal, 2);
  return row.half.encode(row.value);
}

function hexOf(first: number, length: number): string {
  return Array.from({ length }, (_, index) => (first + index).toString(16)).join("");
}

const kindsSchema = path.join(import.meta.dirname, "fixtures", "kinds.capnp");

test("the reference reads and writes every kind of field as generated code does", () => {
  const frame = kindsMessage({ withCapabilities: false }).toFrame();
  const theirs = throughText(kindsSchema, "Kinds", frame);
  const expected = plainKinds(MessageReader.parse(frame).root(Kinds));
  assert.deepEqual(plainKinds(MessageReader.parse(theirs).root(Kinds)), expected);
});

test("defaults mean the same to the reference", () => {
  const theirs = capnp(["encode", kindsSchema, "Defaults"], "(i8 = 7, u64 = 0, f32 = 2.5)");
  const defaults = MessageReader.parse(theirs).root(Defaults);
  assert.deepEqual([defaults.i8, defaults.u64, defaults.f32], [7, 0n, 2.5]);
  assert.deepEqual([defaults.i16, defaults.text, defaults.color, defaults.point.y], [-500, "grüße", "blue", 4]);
});

test("a message of the reference with many segments is read", () => {
  // 60 KiB of data in small pieces: the tool's builder begins small and adds segments
  const texts = Array.from({ length: 600 }, (_, index) => `"${String(index).padStart(100, "x")}"`);
  const theirs = capnp(["encode", "--segment-size=64", kindsSchema, "Lists"], `(texts = [${texts.join(", ")}])`);
  assert.ok(new DataView(theirs.buffer).getUint32(0, true) > 0, "one segment only");
  assert.equal(MessageReader.parse(theirs).rootStruct.getTextList(12).get(599), "599".padStart(100, "x"));
});
