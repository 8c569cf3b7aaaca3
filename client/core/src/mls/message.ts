/**
 * MLSMessage (RFC 9420 section 6) to and from bytes. ts-mls reads with views, ignores what stands behind a message and
 * throws or gives undefined as it comes; here all of that is `undefined`, and what is returned shares nothing with the
 * caller's bytes.
 */
import { decodeMlsMessage, encodeMlsMessage, type MLSMessage } from "./ts-mls.ts";

export type { MLSMessage } from "./ts-mls.ts";

export function decodeMessage(bytes: Uint8Array): MLSMessage | undefined {
  return decodeWhole(decodeMlsMessage, bytes);
}

export function encodeMessage(message: MLSMessage): Uint8Array {
  return encodeMlsMessage(message);
}

/** What a decoder of ts-mls reads from exactly these bytes, or undefined. */
export function decodeWhole<T>(
  decoder: (bytes: Uint8Array, offset: number) => [T, number] | undefined,
  bytes: Uint8Array,
): T | undefined {
  // A copy without Buffer's methods: views of it end up in states that outlive the caller's bytes.
  const own = new Uint8Array(bytes);
  try {
    const decoded = decoder(own, 0);
    return decoded === undefined || decoded[1] !== own.length ? undefined : decoded[0];
  } catch {
    return undefined;
  }
}

/** Which group and epoch a message says it belongs to, unverified; undefined for a Welcome and for anything malformed. */
export function groupIdOf(message: Uint8Array): { readonly groupId: Uint8Array; readonly epoch: bigint } | undefined {
  const decoded = decodeMessage(message);
  if (decoded?.wireformat === "mls_private_message") {
    const { groupId, epoch } = decoded.privateMessage;
    return { groupId, epoch };
  }
  if (decoded?.wireformat === "mls_public_message") {
    const { groupId, epoch } = decoded.publicMessage.content;
    return { groupId, epoch };
  }
  return undefined;
}

/** Whether the header says so (version 1, wire format 3); {@link MlsGroup.join} looks at the rest. */
export function isWelcome(message: Uint8Array): boolean {
  return message.length > 4 && message[0] === 0 && message[1] === 1 && message[2] === 0 && message[3] === 3;
}
