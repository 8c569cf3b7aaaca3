/**
 * What goes over a channel: who sent it (8 bytes), then hints: an inbox and the word of a claim on it, mostly empty, each
 * with its length in front (1 byte; the highest bit of the word's is `inTail`). Without hints it is a probe. No seq and no
 * data: a hint says "look again".
 */
import type { InboxKey } from "quicproquo-proto";

/** `claim`: "" = nobody claims it. `inTail`: what it tells of stands in the hot tail (tail.ts). */
export type Hint = { readonly inbox: InboxKey; readonly claim: string; readonly inTail: boolean };

const inTailBit = 0x80;

const senderBytes = 8;

/** Of one frame: some 17 KB. */
export const hintsMax = 512;

/** `sender` has 8 bytes; an inbox and a claim have one character a byte, at most 255 and 127 of them. */
export function encodeHints(sender: Buffer, hints: readonly Hint[]): Buffer {
  let bytes = senderBytes;
  for (const { inbox, claim } of hints) bytes += 2 + inbox.length + claim.length;
  const frame = Buffer.allocUnsafe(bytes);
  let at = sender.copy(frame);
  const write = (text: string, bit: number): void => {
    frame[at] = text.length | bit;
    at += 1 + frame.write(text, at + 1, "latin1");
  };
  for (const { inbox, claim, inTail } of hints) {
    write(inbox, 0);
    write(claim, inTail ? inTailBit : 0);
  }
  return frame;
}

/** False when it is not a frame of ours; hints in front of what is malformed have been told. */
export function decodeHints(frame: Buffer, onHint: (hint: Hint) => void): boolean {
  if (frame.length < senderBytes) return false;
  let at = senderBytes;
  while (at < frame.length) {
    const claimAt = at + 1 + (frame[at] as number);
    const claimHead = frame[claimAt];
    if (claimHead === undefined) return false;
    const end = claimAt + 1 + (claimHead & ~inTailBit);
    if (end > frame.length) return false;
    const inbox = frame.toString("latin1", at + 1, claimAt) as InboxKey;
    onHint({ inbox, claim: frame.toString("latin1", claimAt + 1, end), inTail: (claimHead & inTailBit) !== 0 });
    at = end;
  }
  return true;
}

export function isFrom(sender: Buffer, frame: Buffer): boolean {
  return frame.length >= senderBytes && frame.compare(sender, 0, senderBytes, 0, senderBytes) === 0;
}
