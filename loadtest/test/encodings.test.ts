/** What the scenarios rpc and encodings compare is the same: each encoding carries the same message, whole. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import protobuf from "protobufjs";
import type { EnqueueParams } from "quicproquo-proto";
import { capnpEs } from "../src/encoding/capnp-es.ts";
import { asProtobuf, ourEncoding, protobufEncoding } from "../src/encoding/kind-encodings.ts";
import { enqueueOf } from "../src/encoding/measured-encoding.ts";
import { kindNames, messageKinds } from "../src/encoding/message-kinds.ts";
import { ours } from "../src/encoding/ours.ts";
import { packedBytesOf } from "../src/encoding/packed-bytes.ts";
import { protobufjs } from "../src/encoding/protobufjs.ts";
import { rpcFramesOf } from "../src/encoding/rpc-frames.ts";

const proto = readFileSync(new URL("../../schemas/bench.proto", import.meta.url), "utf8");
const twins = protobuf.parse(proto).root;

for (const frameBytes of [240, 4_096]) {
  const message = enqueueOf(frameBytes);
  for (const [name, encoding] of Object.entries({ ours, protobufjs, capnpEs })) {
    test(`${name} gives back every field of an enqueue of ${frameBytes} B`, () => {
      assert.deepEqual(plain(encoding.decode(encoding.encode(message))), plain(message));
    });
  }

  test(`ours and capnp-es write the same ${frameBytes} B`, () => {
    assert.equal(ours.encode(message).length, frameBytes);
    assert.deepEqual(ours.encode(message), capnpEs.encode(message));
  });

  test(`protobufjs' static code writes ${frameBytes} B of Cap'n Proto as bench.proto says`, () => {
    const type = twins.lookupType("quicproquo.bench.EnqueueRequest");
    assert.deepEqual([...protobufjs.encode(message)], [...type.encode(type.create(message)).finish()]);
  });
}

const kinds = await messageKinds();

for (const name of kindNames) {
  const kind = kinds[name];
  test(`ours gives back every field of ${name}`, () => {
    const { encode, decode } = ourEncoding(kind);
    assert.deepEqual(bytesAsLists(decode(encode())), bytesAsLists(kind.value));
  });

  test(`protobufjs gives back every field of ${name}, as bench.proto says`, () => {
    const { encode, decode } = protobufEncoding(kind);
    const type = twins.lookupType(`quicproquo.bench.${kind.twin}`);
    const message = asProtobuf(kind.value) as Record<string, unknown>;
    assert.deepEqual([...encode()], [...type.encode(type.create(message)).finish()]);
    const whole = type.toObject(decode(encode()) as protobuf.Message, { defaults: true, longs: Number });
    assert.deepEqual(bytesAsLists(whole), bytesAsLists(message));
  });
}

test("packing is as long as the reference implementation's", () => {
  const schema = new URL("../../schemas/node.capnp", import.meta.url).pathname;
  const capnp = (input: string | Uint8Array, ...args: readonly string[]): Uint8Array => {
    const { status, stdout, stderr } = spawnSync("capnp", args, { input });
    assert.equal(status, 0, String(stderr));
    return stdout;
  };
  const full = "\\xff".repeat(40);
  const holes = "\\xff\\x00".repeat(2_050);
  for (const data of ["", "a", full, `${full}\\x00a${full}`, "\\x00".repeat(3_000), holes, `${full.repeat(60)}b`]) {
    const frame = capnp(`(seq = 3, data = "${data}", expired = true)`, "encode", schema, "Envelope");
    const packed = capnp(frame, "convert", "binary:packed", schema, "Envelope");
    assert.equal(packedBytesOf(frame), packed.length, data.slice(0, 20));
  }
});

test("what RPC adds to a message is the same for every length of it", async () => {
  const overheads = ["fetch_1", "fetch_10", "fetch_100"].map(async (name) => {
    const kind = kinds[name as keyof typeof kinds];
    return (await rpcFramesOf(kind)).answer - ourEncoding(kind).encode().length;
  });
  const [one = 0, ...others] = await Promise.all(overheads);
  assert.ok(one > 0 && one < 100, `${one}`);
  assert.deepEqual(others, [one, one]);
});

function bytesAsLists(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(bytesAsLists);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, each]) => [name, bytesAsLists(each)] as const);
  return Object.fromEntries(fields.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Fields in one order, bytes of one class, and those of a prototype too: protobufjs keeps empty fields there. */
function plain({ recipientKey, payload, channelId, version, auth, ttlSecs, idempotencyKey }: EnqueueParams): object {
  const bytes = { recipientKey, payload, channelId, idempotencyKey, token: auth.accessToken, device: auth.deviceId };
  const copies = Object.entries(bytes).map(([name, value]) => [name, [...value]]);
  return { ...Object.fromEntries(copies), version, authVersion: auth.version, ttlSecs };
}
