/** capnp-es, the second implementation in reach, writes the same bytes as our codecs and reads what they write. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Message, ObjectSize, Struct, utils } from "capnp-es";
import { methodCodecs } from "quicproquo-proto";
import { halvesOf } from "./frames.ts";
import { samples } from "./samples.ts";

/** Structs as capnp-es wants them: sizes in bytes of data and in pointers. */
class EsAuth extends Struct {
  static override readonly _capnp = { displayName: "Auth", id: "d4c550ca8c26bfc9", size: new ObjectSize(8, 2) };
}
class EsEnqueueParams extends Struct {
  static override readonly _capnp = {
    displayName: "EnqueueParams",
    id: "affe0489306a33e6",
    size: new ObjectSize(8, 5),
  };
}

function setData(index: number, bytes: Uint8Array, struct: Struct): void {
  utils.initData(index, bytes.length, struct).copyBuffer(bytes);
}

const { params } = samples.enqueue;
const half = halvesOf("enqueue", methodCodecs.enqueue).params;

/** In the order in which our codec allocates. */
function encodeWithCapnpEs(): Uint8Array {
  const message = new Message();
  const root = message.initRoot(EsEnqueueParams);
  setData(0, params.recipientKey, root);
  setData(1, params.payload, root);
  setData(2, params.channelId, root);
  utils.setUint16(0, params.version, root);
  const auth = utils.initStructAt(3, EsAuth, root);
  utils.setUint16(0, params.auth.version, auth);
  setData(0, params.auth.accessToken, auth);
  setData(1, params.auth.deviceId, auth);
  utils.setUint32(4, params.ttlSecs, root);
  setData(4, params.idempotencyKey, root);
  return new Uint8Array(message.toArrayBuffer());
}

test("an enqueue has the same bytes from both", () => {
  assert.deepEqual(half.encode(params).frame.slice(), encodeWithCapnpEs());
});

test("our reader reads capnp-es's message", () => {
  assert.deepEqual(half.decode(encodeWithCapnpEs()), params);
});

test("capnp-es reads our message", () => {
  const root = new Message(half.encode(params).frame, false).getRoot(EsEnqueueParams);
  const auth = utils.getStruct(3, EsAuth, root);
  const read = {
    recipientKey: utils.getData(0, root).toUint8Array(),
    payload: utils.getData(1, root).toUint8Array(),
    channelId: utils.getData(2, root).toUint8Array(),
    version: utils.getUint16(0, root),
    auth: {
      version: utils.getUint16(0, auth),
      accessToken: utils.getData(0, auth).toUint8Array(),
      deviceId: utils.getData(1, auth).toUint8Array(),
    },
    ttlSecs: utils.getUint32(4, root),
    idempotencyKey: utils.getData(4, root).toUint8Array(),
  };
  assert.deepEqual(read, params);
});
