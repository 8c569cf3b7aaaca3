/**
 * A file as a blob that the server cannot read: ChaCha20-Poly1305 under a key of its own, which goes to the members of a
 * conversation in the message that names the blob (fileRef in app-message.ts). Empty AAD.
 */
import { primitives } from "#primitives";
import { QpqError } from "quicproquo-proto";

export type FileKey = {
  /** 32 bytes. */
  readonly contentKey: Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
};

/** What a blob has more than the file in it. */
export const fileOverheadBytes = 16;
const contentKeyBytes = 32;
const nonceBytes = 12;
const noAad = new Uint8Array();

/** For one file alone: a second one under the same key and nonce would open both. */
export function generateFileKey(): FileKey {
  return { contentKey: primitives.randomBytes(contentKeyBytes), nonce: primitives.randomBytes(nonceBytes) };
}

/** The same file under the same key is the same blob, so an upload can go on where it broke off. `blobId`: its SHA-256. */
export function sealFile(
  content: Uint8Array,
  { contentKey: key, nonce }: FileKey,
): { blob: Uint8Array; blobId: Uint8Array } {
  const blob = primitives.seal({ key, nonce, aad: noAad }, content);
  return { blob, blobId: primitives.sha256(blob) };
}

/** E025_BLOB_HASH when the blob is another one than `blobId` names, E043_ENVELOPE_REFUSED when it does not open. */
export function openFile(blob: Uint8Array, blobId: Uint8Array, { contentKey: key, nonce }: FileKey): Uint8Array {
  if (primitives.sha256(blob).toHex() !== blobId.toHex()) throw new QpqError("E025_BLOB_HASH");
  const content = primitives.open({ key, nonce, aad: noAad }, blob);
  if (content !== undefined) return content;
  throw new QpqError("E043_ENVELOPE_REFUSED", { text: "the file does not open with the key that its message gave" });
}
