/** What the rpc scenario compares is the same: each encoding carries the same enqueue, whole. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import protobuf from "protobufjs";
import type { EnqueueParams } from "quicproquo-proto";
import { capnpEs } from "../src/encoding/capnp-es.ts";
import { enqueueOf } from "../src/encoding/measured-encoding.ts";
import { ours } from "../src/encoding/ours.ts";
import { protobufjs } from "../src/encoding/protobufjs.ts";

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
    const proto = readFileSync(new URL("../../schemas/bench.proto", import.meta.url), "utf8");
    const type = protobuf.parse(proto).root.lookupType("quicproquo.bench.EnqueueRequest");
    assert.deepEqual([...protobufjs.encode(message)], [...type.encode(type.create(message)).finish()]);
  });
}

/** Fields in one order, bytes of one class, and those of a prototype too: protobufjs keeps empty fields there. */
function plain({ recipientKey, payload, channelId, version, auth, ttlSecs, idempotencyKey }: EnqueueParams): object {
  const bytes = { recipientKey, payload, channelId, idempotencyKey, token: auth.accessToken, device: auth.deviceId };
  const copies = Object.entries(bytes).map(([name, value]) => [name, [...value]]);
  return { ...Object.fromEntries(copies), version, authVersion: auth.version, ttlSecs };
}
