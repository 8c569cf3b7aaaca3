/**
 * What goes over a channel: who sent it (8 bytes), then inboxes, each with its length in front (1 byte). Without inboxes
 * it is a probe. No seq and no data: a hint says "look again".
 */
import type { InboxKey } from "quicproquo-proto";

const senderBytes = 8;

/** Of one frame: some 17 KB. */
export const hintsMax = 512;

/** `sender` has 8 bytes; an inbox has one character a byte and at most 255 of them. */
export function encodeHints(sender: Buffer, inboxes: readonly InboxKey[]): Buffer {
  let bytes = senderBytes;
  for (const inbox of inboxes) bytes += 1 + inbox.length;
  const frame = Buffer.allocUnsafe(bytes);
  let at = sender.copy(frame);
  for (const inbox of inboxes) {
    frame[at] = inbox.length;
    at += 1 + frame.write(inbox, at + 1, "latin1");
  }
  return frame;
}

/** False when it is not a frame of ours; hints in front of what is malformed have been told. */
export function decodeHints(frame: Buffer, onHint: (inbox: InboxKey) => void): boolean {
  if (frame.length < senderBytes) return false;
  let at = senderBytes;
  while (at < frame.length) {
    const end = at + 1 + (frame[at] as number);
    if (end > frame.length) return false;
    onHint(frame.toString("latin1", at + 1, end) as InboxKey);
    at = end;
  }
  return true;
}

export function isFrom(sender: Buffer, frame: Buffer): boolean {
  return frame.length >= senderBytes && frame.compare(sender, 0, senderBytes, 0, senderBytes) === 0;
}
