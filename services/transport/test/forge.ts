/**
 * Makes 1-RTT packets with whatever frames a test wants, for a connection of RawClient: the library's own client cannot
 * break the protocol. RFC 9001 sections 5.1 to 5.4, with AES-128-GCM, the suite that both sides choose first.
 */
import { createCipheriv, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

type Keys = { readonly key: Buffer; readonly iv: Buffer; readonly headerKey: Buffer };

const tagBytes = 16;
const packetNumberBytes = 4;

export class Forge {
  readonly #keys: Keys;
  readonly #destinationId: Uint8Array;
  /** Far ahead of what the library's client has sent. */
  #number = 1_000_000;

  /** keyLog: a file in the format of SSLKEYLOGFILE. */
  constructor(keyLog: string, destinationId: Uint8Array) {
    const secret = /^CLIENT_TRAFFIC_SECRET_0 \S+ ([0-9a-f]{64})$/m.exec(readFileSync(keyLog, "latin1"))?.[1];
    if (secret === undefined) throw new Error("no client secret of AES-128-GCM in the key log");
    this.#keys = keysOf(Buffer.from(secret, "hex"));
    this.#destinationId = destinationId;
  }

  packet(...frames: readonly Uint8Array[]): Buffer {
    const header = Buffer.concat([
      Buffer.from([0x40 | (packetNumberBytes - 1)]),
      this.#destinationId,
      Buffer.alloc(packetNumberBytes),
    ]);
    const numberAt = header.length - packetNumberBytes;
    this.#number += 1;
    header.writeUInt32BE(this.#number, numberAt);
    const nonce = Buffer.from(this.#keys.iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#number) >>> 0, 8);
    const cipher = createCipheriv("aes-128-gcm", this.#keys.key, nonce).setAAD(header);
    // PADDING, so that there are always enough bytes for the sample of the header's protection.
    const payload = Buffer.concat([Buffer.alloc(4), ...frames]);
    const sealed = Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
    const mask = createCipheriv("aes-128-ecb", this.#keys.headerKey, null).update(sealed.subarray(0, tagBytes));
    header[0] = (header[0] ?? 0) ^ ((mask[0] ?? 0) & 0x1f);
    for (let i = 0; i < packetNumberBytes; i++) header[numberAt + i] = (header[numberAt + i] ?? 0) ^ (mask[i + 1] ?? 0);
    return Buffer.concat([header, sealed]);
  }
}

function keysOf(secret: Buffer): Keys {
  return {
    key: expandLabel(secret, "quic key", 16),
    iv: expandLabel(secret, "quic iv", 12),
    headerKey: expandLabel(secret, "quic hp", 16),
  };
}

function expandLabel(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])]);
  return createHmac("sha256", secret).update(info).digest().subarray(0, length);
}

/** RFC 9000 section 16, in 8 bytes. */
function number(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value) | (3n << 62n));
  return bytes;
}

type StreamFrame = {
  readonly id: number;
  readonly offset?: number;
  readonly data?: Uint8Array;
  readonly fin?: boolean;
};

/** RFC 9000 section 19. */
export const frames = {
  stream: ({ id, offset = 0, data = new Uint8Array(), fin = false }: StreamFrame): Buffer =>
    Buffer.concat([Buffer.from([0x0e | (fin ? 1 : 0)]), number(id), number(offset), number(data.length), data]),
  resetStream: (id: number, code: number, finalSize: number): Buffer =>
    Buffer.concat([Buffer.from([0x04]), number(id), number(code), number(finalSize)]),
  stopSending: (id: number, code: number): Buffer => Buffer.concat([Buffer.from([0x05]), number(id), number(code)]),
  maxStreamData: (id: number, max: number): Buffer => Buffer.concat([Buffer.from([0x11]), number(id), number(max)]),
  newConnectionId: (sequence: number, retirePriorTo: number, id: Uint8Array, resetToken: Uint8Array): Buffer =>
    Buffer.concat([
      Buffer.from([0x18]),
      number(sequence),
      number(retirePriorTo),
      Buffer.from([id.length]),
      id,
      resetToken,
    ]),
  /** Of the packets from `first` to `largest`. */
  ack: (first: number, largest: number): Buffer =>
    Buffer.concat([Buffer.from([0x02]), number(largest), number(0), number(0), number(largest - first)]),
  retireConnectionId: (sequence: number): Buffer => Buffer.concat([Buffer.from([0x19]), number(sequence)]),
  pathChallenge: (data: Uint8Array): Buffer => Buffer.concat([Buffer.from([0x1a]), data]),
  crypto: (offset: number, data: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from([0x06]), number(offset), number(data.length), data]),
  ping: Buffer.from([0x01]),
  handshakeDone: Buffer.from([0x1e]),
  newToken: Buffer.concat([Buffer.from([0x07]), number(3), Buffer.from("abc")]),
  unknown: Buffer.from([0x40, 0x99]),
} as const;
