/** The messages of a chaos trial: each says who sent it and which of the sender's it is. */
import { createHash } from "node:crypto";
import type { Commit } from "./commit-book.ts";
import type { Sent } from "./sender-order.ts";

export type Message = ({ readonly kind: "letter" } & Sent) | ({ readonly kind: "commit" } & Commit);

const headerBytes = 13;

/** 32 bytes; its latin1 string is the inbox's name in the book. */
export function recipientKeyOf(name: string): Uint8Array {
  return createHash("sha256").update(name).digest();
}

export function inboxNameOf(recipientKey: Uint8Array): string {
  return Buffer.from(recipientKey).toString("latin1");
}

/** Mostly some tens of bytes, every 64th about 4 KiB: above the size at which payloads are stored apart. */
export function payloadOf(message: Message): Uint8Array {
  const [kind, first, second, third] =
    message.kind === "letter"
      ? [0, message.sender, message.number, 0]
      : [1, message.group, message.epoch, message.rival];
  const bytes = headerBytes + (second % 64 === 63 ? 4_096 : (second * 7) % 61);
  const payload = Buffer.alloc(bytes, second);
  payload.writeUInt8(kind, 0);
  payload.writeUInt32BE(first, 1);
  payload.writeUInt32BE(second, 5);
  payload.writeUInt32BE(third, 9);
  return payload;
}

export function messageOf(payload: Uint8Array): Message {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const [first, second, third] = [bytes.readUInt32BE(1), bytes.readUInt32BE(5), bytes.readUInt32BE(9)];
  if (bytes.readUInt8(0) === 0) return { kind: "letter", sender: first, number: second };
  return { kind: "commit", group: first, epoch: second, rival: third };
}

/** 16 bytes, the same at every try. */
export function idempotencyKeyOf(message: Message): Uint8Array {
  const words =
    message.kind === "letter" ? [message.sender, message.number] : [message.group, message.epoch, message.rival];
  return createHash("sha256")
    .update(`${message.kind} ${words.join(" ")}`)
    .digest()
    .subarray(0, 16);
}
