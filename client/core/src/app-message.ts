/**
 * Application messages, what members say to each other inside MLS: `version 1 | type 1 | fields`, all integers big-endian.
 *
 *     1 chat       msgId 16 | length u16 | UTF-8        7 delete      ref 16
 *     2 reply      ref 16 | length u16 | UTF-8          8 file        blobId 32 | length u16 | name | size u64
 *     3 reaction   ref 16 | length u8 | UTF-8                         | length u16 | mime | contentKey 32 | nonce 12
 *     4 read       ref 16                               9 dummy       (cover traffic)
 *     5 typing     active u8                           10 groupName   length u8 | UTF-8
 *     6 edit       ref 16 | length u16 | UTF-8         11 timer       seconds u32
 *
 * A type or a version that this client does not know is a value, not an error: it is kept and shown as unsupported. What
 * it does know must be exact to the last byte, in well-formed UTF-8. Whether a sender may edit what it refers to is not
 * visible here: edit and delete count only from the sender of `ref`.
 */
import { QpqError } from "quicproquo-proto";

export type AppMessage =
  | { readonly type: "chat"; readonly msgId: Uint8Array; readonly body: string }
  | { readonly type: "reply"; readonly ref: Uint8Array; readonly body: string }
  | { readonly type: "reaction"; readonly ref: Uint8Array; readonly emoji: string }
  | { readonly type: "readReceipt"; readonly ref: Uint8Array }
  | { readonly type: "typing"; readonly active: boolean }
  | { readonly type: "edit"; readonly ref: Uint8Array; readonly body: string }
  | { readonly type: "delete"; readonly ref: Uint8Array }
  | ({ readonly type: "fileRef" } & FileRef)
  | { readonly type: "dummy" }
  | { readonly type: "groupName"; readonly name: string }
  | { readonly type: "timer"; readonly seconds: number }
  /** `bytes`: the whole message. code 0: another version. */
  | { readonly type: "unsupported"; readonly code: number; readonly bytes: Uint8Array };

export type FileRef = {
  readonly blobId: Uint8Array;
  readonly name: string;
  readonly sizeBytes: bigint;
  readonly mime: string;
  readonly contentKey: Uint8Array;
  readonly nonce: Uint8Array;
};

const version = 1;
/** Bytes of a msgId and of a ref to one. */
export const messageIdBytes = 16;
const blobIdBytes = 32;
const contentKeyBytes = 32;
const fileNonceBytes = 12;

const codes = {
  chat: 1,
  reply: 2,
  reaction: 3,
  readReceipt: 4,
  typing: 5,
  edit: 6,
  delete: 7,
  fileRef: 8,
  dummy: 9,
  groupName: 10,
  timer: 11,
} as const satisfies Record<Exclude<AppMessage["type"], "unsupported">, number>;

/** E001_BAD_REQUEST when a text or an id has a length that its field cannot hold. */
export function encodeAppMessage(message: AppMessage): Uint8Array {
  if (message.type === "unsupported") return Uint8Array.from(message.bytes);
  const writer = new Writer(codes[message.type]);
  switch (message.type) {
    case "chat":
      return writer.fixed(message.msgId, messageIdBytes).text(message.body, 2).done();
    case "reply":
    case "edit":
      return writer.fixed(message.ref, messageIdBytes).text(message.body, 2).done();
    case "reaction":
      return writer.fixed(message.ref, messageIdBytes).text(message.emoji, 1).done();
    case "readReceipt":
    case "delete":
      return writer.fixed(message.ref, messageIdBytes).done();
    case "typing":
      return writer.integer(message.active ? 1n : 0n, 1).done();
    case "fileRef":
      return writer
        .fixed(message.blobId, blobIdBytes)
        .text(message.name, 2)
        .integer(message.sizeBytes, 8)
        .text(message.mime, 2)
        .fixed(message.contentKey, contentKeyBytes)
        .fixed(message.nonce, fileNonceBytes)
        .done();
    case "dummy":
      return writer.done();
    case "groupName":
      return writer.text(message.name, 1).done();
    case "timer":
      if (!Number.isSafeInteger(message.seconds)) throw malformed("a timer is in whole seconds");
      return writer.integer(BigInt(message.seconds), 4).done();
  }
}

/** E001_BAD_REQUEST for a known type that is cut short, has bytes behind it or isn't UTF-8. What it returns is a copy. */
export function decodeAppMessage(bytes: Uint8Array): AppMessage {
  const [foundVersion, code] = bytes;
  if (foundVersion === undefined || code === undefined) throw malformed();
  if (foundVersion !== version) return { type: "unsupported", code: 0, bytes: Uint8Array.from(bytes) };
  const reader = new Reader(bytes);
  const message = readFields(reader, code);
  if (message === undefined) return { type: "unsupported", code, bytes: Uint8Array.from(bytes) };
  reader.end();
  return message;
}

function readFields(reader: Reader, code: number): AppMessage | undefined {
  switch (code) {
    case codes.chat:
      return { type: "chat", msgId: reader.fixed(messageIdBytes), body: reader.text(2) };
    case codes.reply:
      return { type: "reply", ref: reader.fixed(messageIdBytes), body: reader.text(2) };
    case codes.reaction:
      return { type: "reaction", ref: reader.fixed(messageIdBytes), emoji: reader.text(1) };
    case codes.readReceipt:
      return { type: "readReceipt", ref: reader.fixed(messageIdBytes) };
    case codes.typing:
      return { type: "typing", active: reader.integer(1) !== 0n };
    case codes.edit:
      return { type: "edit", ref: reader.fixed(messageIdBytes), body: reader.text(2) };
    case codes.delete:
      return { type: "delete", ref: reader.fixed(messageIdBytes) };
    case codes.fileRef:
      return {
        type: "fileRef",
        blobId: reader.fixed(blobIdBytes),
        name: reader.text(2),
        sizeBytes: reader.integer(8),
        mime: reader.text(2),
        contentKey: reader.fixed(contentKeyBytes),
        nonce: reader.fixed(fileNonceBytes),
      };
    case codes.dummy:
      return { type: "dummy" };
    case codes.groupName:
      return { type: "groupName", name: reader.text(1) };
    case codes.timer:
      return { type: "timer", seconds: Number(reader.integer(4)) };
    default:
      return undefined;
  }
}

class Writer {
  readonly #bytes: number[];

  constructor(code: number) {
    this.#bytes = [version, code];
  }

  fixed(bytes: Uint8Array, length: number): this {
    if (bytes.length !== length) throw malformed(`an id or a key has ${bytes.length} bytes, not ${length}`);
    return this.#append(bytes);
  }

  integer(value: bigint, width: 1 | 2 | 4 | 8): this {
    if (value < 0n || value >= 1n << BigInt(8 * width)) throw malformed(`a number does not fit into ${width} bytes`);
    for (let shift = 8 * (width - 1); shift >= 0; shift -= 8)
      this.#bytes.push(Number((value >> BigInt(shift)) & 0xffn));
    return this;
  }

  /** With its length in front. */
  text(text: string, width: 1 | 2): this {
    const bytes = new TextEncoder().encode(text);
    const bytesMax = 256 ** width - 1;
    if (bytes.length > bytesMax) throw malformed(`a text has ${bytes.length} bytes of at most ${bytesMax}`);
    return this.integer(BigInt(bytes.length), width).#append(bytes);
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #append(bytes: Uint8Array): this {
    // At most 64 KiB come here at once; spread into push() would put each byte on the stack.
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 2;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  fixed(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw malformed("an application message is cut short");
    const bytes = Uint8Array.from(this.#bytes.subarray(this.#at, end));
    this.#at = end;
    return bytes;
  }

  integer(width: 1 | 2 | 4 | 8): bigint {
    return this.fixed(width).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  text(width: 1 | 2): string {
    const bytes = this.fixed(Number(this.integer(width)));
    try {
      // ignoreBOM: a text that begins with U+FEFF comes back with it
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (error) {
      throw malformed("a text is not UTF-8", error);
    }
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed("an application message has bytes behind its end");
  }
}

function malformed(text = "an application message is malformed", cause?: unknown): QpqError {
  return new QpqError("E001_BAD_REQUEST", { text, ...(cause === undefined ? {} : { cause }) });
}
