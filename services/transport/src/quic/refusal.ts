/**
 * The datagram that tells a new client at once that it is not wanted: an Initial packet with CONNECTION_CLOSE
 * (RFC 9000 sections 5.2.2 and 10.2.3), made without any state and without TLS.
 *
 * The library cannot do it: once it has read a ClientHello it closes in a Handshake packet, which the client can only
 * read after our whole first flight, and by then it believes itself connected.
 *
 * Initial keys come from the client's own destination id (RFC 9001 section 5.2); they hide nothing from the path.
 */
import { createCipheriv, createHmac } from "node:crypto";

export type RefusalOptions = {
  /** Destination id of the client's Initial: the keys come from it. */
  readonly clientDestinationId: Uint8Array;
  /** Source id of the client's Initial: where the refusal goes. */
  readonly clientSourceId: Uint8Array;
  /** What we call ourselves. */
  readonly ownId: Uint8Array;
};

/** RFC 9001 section 5.2. */
const initialSalt = Buffer.from("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "hex");
const tagBytes = 16;
const packetNumberBytes = 4;
/** Long header, fixed bit, type Initial, packet number of 4 bytes. */
const firstByte = 0xc0 | (packetNumberBytes - 1);
/** CONNECTION_CLOSE (0x1c), error CONNECTION_REFUSED (0x02), caused by no frame type in particular, no reason. */
const closeFrame = Buffer.from([0x1c, 0x02, 0x00, 0x00]);

export function refusalOf(options: RefusalOptions): Buffer {
  const { clientDestinationId, clientSourceId, ownId } = options;
  const keys = serverInitialKeys(clientDestinationId);
  const header = Buffer.concat([
    Buffer.from([firstByte, 0, 0, 0, 1, clientSourceId.length]),
    clientSourceId,
    Buffer.from([ownId.length]),
    ownId,
    Buffer.from([0, packetNumberBytes + closeFrame.length + tagBytes]), // no token; the length fits one byte
    Buffer.alloc(packetNumberBytes),
  ]);
  // Packet number 0 leaves the nonce as it is.
  const cipher = createCipheriv("aes-128-gcm", keys.key, keys.iv).setAAD(header);
  const payload = Buffer.concat([cipher.update(closeFrame), cipher.final(), cipher.getAuthTag()]);
  protectHeader(header, payload, keys.headerKey);
  return Buffer.concat([header, payload]);
}

/** RFC 9001 section 5.4: the sample stands 4 bytes behind where the packet number begins: at the payload. */
function protectHeader(header: Buffer, payload: Buffer, headerKey: Buffer): void {
  const mask = createCipheriv("aes-128-ecb", headerKey, null).update(payload.subarray(0, 16));
  header[0] = (header[0] ?? 0) ^ ((mask[0] ?? 0) & 0x0f);
  const numberAt = header.length - packetNumberBytes;
  for (let i = 0; i < packetNumberBytes; i++) header[numberAt + i] = (header[numberAt + i] ?? 0) ^ (mask[i + 1] ?? 0);
}

export type InitialKeys = { readonly key: Buffer; readonly iv: Buffer; readonly headerKey: Buffer };

export function serverInitialKeys(clientDestinationId: Uint8Array): InitialKeys {
  const initial = createHmac("sha256", initialSalt).update(clientDestinationId).digest();
  const server = expandLabel(initial, "server in", 32);
  return {
    key: expandLabel(server, "quic key", 16),
    iv: expandLabel(server, "quic iv", 12),
    headerKey: expandLabel(server, "quic hp", 16),
  };
}

/** HKDF-Expand-Label of RFC 8446 section 7.1 with an empty context; one block is enough for 32 bytes. */
function expandLabel(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])]);
  return createHmac("sha256", secret).update(info).digest().subarray(0, length);
}
