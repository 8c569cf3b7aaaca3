/** bench.proto parses as Protobuf, and its messages are field for field the twins of the structs they are compared with. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import protobuf from "protobufjs";

const proto = protobuf.parse(readFileSync(new URL("../bench.proto", import.meta.url), "utf8"));
const schema = readFileSync(new URL("../node.capnp", import.meta.url), "utf8");

/** Field names in the order of their ordinals, as the schema writes them behind `text`. */
function fieldsBehind(text: string, opening: string, closing: string): string[] {
  const at = schema.indexOf(text);
  assert.notEqual(at, -1, text);
  const from = schema.indexOf(opening, at + text.length - 1) + 1;
  const body = schema.slice(from, schema.indexOf(closing, from)).replace(/#.*/g, "");
  return [...body.matchAll(/(\w+)\s*(?:@\d+\s*)?:(?!\s*Kind\b.*enum)/g)].map(([, name]) => name as string);
}

const twins: readonly (readonly [message: string, behind: string, opening: string, closing: string])[] = [
  ["Auth", "struct Auth {", "{", "}"],
  ["Envelope", "struct Envelope {", "{", "}"],
  ["EnqueueRequest", "enqueue @2 (", "(", ") ->"],
  ["BatchEnqueueRequest", "batchEnqueue @17 (", "(", ") ->"],
  ["UploadKeyPackageRequest", "uploadKeyPackage @0 (", "(", ") ->"],
  ["DeliverRequest", "deliver @0 (", "(", ") ->"],
];

for (const [message, ...place] of twins) {
  test(`quicproquo.bench.${message} has the fields of its Cap'n Proto twin`, () => {
    const { fieldsArray } = proto.root.lookupType(`quicproquo.bench.${message}`);
    const names = [...fieldsArray].sort((a, b) => a.id - b.id).map(({ name }) => name);
    assert.deepEqual(names, fieldsBehind(...place));
  });
}

test("a message goes through Protobuf and back", () => {
  const type = proto.root.lookupType("quicproquo.bench.EnqueueRequest");
  const message = { recipientKey: new Uint8Array(32).fill(1), payload: new Uint8Array(200).fill(2), version: 1 };
  const decoded = type.decode(type.encode(type.create(message)).finish()) as unknown as typeof message;
  assert.deepEqual(Uint8Array.from(decoded.payload), message.payload);
  assert.equal(decoded.version, 1);
});
