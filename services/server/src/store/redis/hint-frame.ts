/**
 * What goes over a channel: who sent it (8 bytes), then hints: an inbox and the word of a claim on it, mostly empty, each
 * with its length in front (1 byte). Without hints it is a probe. No seq and no data: a hint says "look again".
 */
import type { InboxKey } from "quicproquo-proto";

/** `claim`: "" = nobody claims it. */
export type Hint = { readonly inbox: InboxKey; readonly claim: string };

const senderBytes = 8;

/** Of one frame: some 17 KB. */
export const hintsMax = 512;

/** `sender` has 8 bytes; an inbox and a claim have one character a byte and at most 255 of them. */
export function encodeHints(sender: Buffer, hints: readonly Hint[]): Buffer {
  let bytes = senderBytes;
  for (const { inbox, claim } of hints) bytes += 2 + inbox.length + claim.length;
  const frame = Buffer.allocUnsafe(bytes);
  let at = sender.copy(frame);
  const write = (text: string): void => {
    frame[at] = text.length;
    at += 1 + frame.write(text, at + 1, "latin1");
  };
  for (const { inbox, claim } of hints) {
    write(inbox);
    write(claim);
  }
  return frame;
}

/** False when it is not a frame of ours; hints in front of what is malformed have been told. */
export function decodeHints(frame: Buffer, onHint: (hint: Hint) => void): boolean {
  if (frame.length < senderBytes) return false;
  let at = senderBytes;
  while (at < frame.length) {
    const claimAt = at + 1 + (frame[at] as number);
    const end = claimAt + 1 + (frame[claimAt] ?? frame.length);
    if (end > frame.length) return false;
    const inbox = frame.toString("latin1", at + 1, claimAt) as InboxKey;
    onHint({ inbox, claim: frame.toString("latin1", claimAt + 1, end) });
    at = end;
  }
  return true;
}

export function isFrom(sender: Buffer, frame: Buffer): boolean {
  return frame.length >= senderBytes && frame.compare(sender, 0, senderBytes, 0, senderBytes) === 0;
}
