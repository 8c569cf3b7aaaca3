/**
 * Padding of application messages, so that their length tells a bucket only. MLS pads inside the ciphertext with zeros
 * that every implementation strips (RFC 9420 section 6.3.1). ts-mls's default stops at 256 bytes, which a text of about
 * 190 bytes fills: from there on, lengths showed to the byte.
 */
import type { PaddingConfig } from "./ts-mls.ts";

/** Of the padded content. Above the last: multiples of it. */
export const paddingBuckets = [256, 1024, 4096, 16384] as const;
const largest = 16384;

/** The content's own frame: a length of at most 4 bytes, and a signature of 64 bytes with its length of 2. */
const frameBytes = 4 + 2 + 64;

export function paddingFor(contentBytes: number): PaddingConfig {
  const bytes = contentBytes + frameBytes;
  const bucket = paddingBuckets.find((each) => bytes <= each);
  return { kind: "padUntilLength", padUntilLength: bucket ?? Math.ceil(bytes / largest) * largest };
}
