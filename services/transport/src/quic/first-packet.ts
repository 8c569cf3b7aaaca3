/**
 * Reads the header of the first packet of a datagram as far as it says who sends it to whom: RFC 9000 section 17.2.2.
 * Everything before decryption, so nothing of it is proved. In JavaScript because a forged datagram costs little else:
 * the binding's header takes 14 us with its fields, this 1.
 */
export type InitialHeader = {
  readonly destinationId: Buffer;
  readonly sourceId: Buffer;
  /** Empty when there is none. */
  readonly token: Buffer;
};

/** RFC 8999 section 5.1: flags 1 | version 4 | id length 1 | id | id length 1 | id. */
export const longHeaderBit = 0x80;
export const versionAt = 1;
export const idLengthAt = 5;
export const longIdAt = 6;
export const idBytesMax = 20;
/** RFC 9000 section 17.3: flags 1 | id, of a length that only its giver knows. */
export const shortIdAt = 1;

/** RFC 9000 section 17.2: the bit that is always set, and the type. */
const fixedBit = 0x40;
const typeBits = 0x30;

export function isInitial(datagram: Buffer): boolean {
  return ((datagram[0] ?? 0) & (fixedBit | typeBits)) === fixedBit;
}

/** Of a server, to a client whose handshake has not begun: RFC 9000 section 17.2.5. */
export function isRetry(datagram: Uint8Array): boolean {
  const bits = longHeaderBit | fixedBit | typeBits;
  return ((datagram[0] ?? 0) & bits) === bits;
}

/** undefined for what is no header. The datagram has the length of a client's first one at least; parts are views of it. */
export function initialHeader(datagram: Buffer): InitialHeader | undefined {
  const destinationEnd = longIdAt + (datagram[idLengthAt] ?? 0);
  const sourceAt = destinationEnd + 1;
  const sourceEnd = sourceAt + (datagram[destinationEnd] ?? 0);
  if (destinationEnd - longIdAt > idBytesMax || sourceEnd - sourceAt > idBytesMax) return undefined;
  const tokenBytesMost = datagram.length - sourceEnd;
  // Section 16: the two high bits tell the length of the number. A token is shorter than 2^14 bytes, a datagram long.
  const lengthByte = datagram[sourceEnd] ?? 0;
  const lengthBytes = 1 << (lengthByte >> 6);
  if (lengthBytes > 2) return undefined;
  const tokenBytes = lengthBytes === 1 ? lengthByte : datagram.readUInt16BE(sourceEnd) & 0x3fff;
  if (lengthBytes + tokenBytes > tokenBytesMost) return undefined;
  const tokenAt = sourceEnd + lengthBytes;
  return {
    destinationId: datagram.subarray(longIdAt, destinationEnd),
    sourceId: datagram.subarray(sourceAt, sourceEnd),
    token: datagram.subarray(tokenAt, tokenAt + tokenBytes),
  };
}
