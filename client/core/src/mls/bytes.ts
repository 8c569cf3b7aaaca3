/** Comparing and naming bytes that are no secret. */

/** Of public bytes only: it stops at the first difference. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => b[at] === byte);
}

/** Without Buffer, so that a browser has it too. */
export function hexOf(bytes: Uint8Array): string {
  return bytes.toHex();
}
