/** Bytes that are easy to tell apart in a hex dump. */

/** first, first + 1, ... */
export function bytes(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => first + index);
}

/** 16 bytes a line: one golden line is two words. */
export function hexDump(frame: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < frame.length; at += 16) lines.push(Buffer.from(frame.subarray(at, at + 16)).toString("hex"));
  return `${lines.join("\n")}\n`;
}
