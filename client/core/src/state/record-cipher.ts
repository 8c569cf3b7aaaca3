/**
 * How a record looks on the disk: `version 1 | nonce 12 | ChaCha20-Poly1305 ciphertext of (id length u16 | id | bytes) +
 * tag 16`, AAD = version | row name. The row name, 32 bytes, stands for the id: 16 bytes of a keyed hash of its folder and
 * 16 of the whole id. So who has the file without the database key sees how many records there are, how many share a
 * folder, how long each is and which changed between two copies; no name, no id, no content. A row moved to another name
 * or altered does not open; an older version of the same row does: that a whole file was put back is noticed at the
 * server (the cursor lies behind what was acknowledged), not here.
 *
 * Nonces are random: 2^32 writes keep the chance of a repeated one below 2^-32.
 */
import { primitives } from "#primitives";
import { labels, QpqError } from "quicproquo-proto";
import { signedBytes } from "../identity.ts";
import type { SecretBytes } from "../secret.ts";
import { type RecordEntry, type RecordId, recordBytesMax, recordIdBytesMax } from "./records.ts";

const version = 1;
const nonceAt = 1;
const bodyAt = 13;
const tagBytes = 16;
const idAt = 2;
const keyBytes = 32;
const hashBytes = 16;

const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true });

export class RecordCipher {
  readonly #contentKey: Uint8Array;
  readonly #nameKey: Uint8Array;

  constructor(databaseKey: SecretBytes) {
    const inputKey = databaseKey.reveal();
    const derive = (label: typeof labels.record | typeof labels.recordName): Uint8Array =>
      primitives.hkdfSha256({ inputKey, salt: new Uint8Array(0), info: signedBytes(label, []), keyBytes });
    this.#contentKey = derive(labels.record);
    this.#nameKey = derive(labels.recordName);
    inputKey.fill(0);
  }

  /** 16 bytes that stand for a folder. */
  folderHash(folder: string): Uint8Array {
    return this.#hash(`folder\0${folder}`);
  }

  /** 32 bytes: the hash of the folder and that of the id. */
  rowName(id: RecordId): Uint8Array {
    const name = new Uint8Array(2 * hashBytes);
    name.set(this.folderHash(folderOf(id)), 0);
    name.set(this.#hash(`record\0${id}`), hashBytes);
    return name;
  }

  seal({ id, bytes }: RecordEntry): Uint8Array {
    if (bytes.length > recordBytesMax) throw new TypeError(`a record of ${bytes.length} bytes is over recordBytesMax`);
    const idBytes = utf8.encode(id);
    const plaintext = new Uint8Array(idAt + idBytes.length + bytes.length);
    new DataView(plaintext.buffer).setUint16(0, idBytes.length);
    plaintext.set(idBytes, idAt);
    plaintext.set(bytes, idAt + idBytes.length);
    const nonce = primitives.randomBytes(bodyAt - nonceAt);
    const sealed = new Uint8Array(bodyAt + plaintext.length + tagBytes);
    sealed[0] = version;
    sealed.set(nonce, nonceAt);
    sealed.set(primitives.seal({ key: this.#contentKey, nonce, aad: aadOf(this.rowName(id)) }, plaintext), bodyAt);
    plaintext.fill(0);
    return sealed;
  }

  /** E044_STATE_FILE when the row was altered, moved, or sealed under another database key. */
  open(rowName: Uint8Array, sealed: Uint8Array): RecordEntry {
    const nonce = sealed.subarray(nonceAt, bodyAt);
    const plaintext =
      sealed[0] === version && sealed.length >= bodyAt + idAt + tagBytes
        ? primitives.open({ key: this.#contentKey, nonce, aad: aadOf(rowName) }, sealed.subarray(bodyAt))
        : undefined;
    if (plaintext === undefined) {
      throw new QpqError("E044_STATE_FILE", {
        text: "a record of the client database is damaged or sealed under another key; restore it from a copy",
      });
    }
    const view = new DataView(plaintext.buffer, plaintext.byteOffset, plaintext.length);
    const idEnd = idAt + view.getUint16(0);
    return { id: text.decode(plaintext.subarray(idAt, idEnd)), bytes: plaintext.subarray(idEnd) };
  }

  /** The keys are overwritten; the cipher is of no use afterwards. */
  wipe(): void {
    this.#contentKey.fill(0);
    this.#nameKey.fill(0);
  }

  #hash(name: string): Uint8Array {
    const info = utf8.encode(name);
    return primitives.hkdfSha256({ inputKey: this.#nameKey, salt: new Uint8Array(0), info, keyBytes: hashBytes });
  }
}

function folderOf(id: RecordId): string {
  const slash = id.lastIndexOf("/");
  if (slash <= 0 || slash === id.length - 1 || id.length > recordIdBytesMax) {
    throw new TypeError("a record id is folder/name, and not longer than recordIdBytesMax");
  }
  return id.slice(0, slash);
}

function aadOf(rowName: Uint8Array): Uint8Array {
  const aad = new Uint8Array(1 + rowName.length);
  aad[0] = version;
  aad.set(rowName, 1);
  return aad;
}
