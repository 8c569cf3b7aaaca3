/** capnp-es, its structs described as its compiler would. It writes and reads the same frames as our codec. */
import { Message, ObjectSize, Struct, utils } from "capnp-es";
import type { MeasuredEncoding } from "./measured-encoding.ts";

/** Sizes in bytes of data and in pointers, as in node.capnp. */
class Auth extends Struct {
  static override readonly _capnp = { displayName: "Auth", id: "d4c550ca8c26bfc9", size: new ObjectSize(8, 2) };
}
class EnqueueParams extends Struct {
  static override readonly _capnp = {
    displayName: "EnqueueParams",
    id: "affe0489306a33e6",
    size: new ObjectSize(8, 5),
  };
}

export const capnpEs: MeasuredEncoding = {
  encode({ recipientKey, payload, channelId, version, auth, ttlSecs, idempotencyKey }) {
    const message = new Message();
    const root = message.initRoot(EnqueueParams);
    writeData(0, recipientKey, root);
    writeData(1, payload, root);
    writeData(2, channelId, root);
    utils.setUint16(0, version, root);
    const authStruct = utils.initStructAt(3, Auth, root);
    utils.setUint16(0, auth.version, authStruct);
    writeData(0, auth.accessToken, authStruct);
    writeData(1, auth.deviceId, authStruct);
    utils.setUint32(4, ttlSecs, root);
    writeData(4, idempotencyKey, root);
    return new Uint8Array(message.toArrayBuffer());
  },
  decode(bytes) {
    const root = new Message(bytes, false).getRoot(EnqueueParams);
    const auth = utils.getStruct(3, Auth, root);
    return {
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
  },
};

function writeData(index: number, bytes: Uint8Array, struct: Struct): void {
  utils.initData(index, bytes.length, struct).copyBuffer(bytes);
}
