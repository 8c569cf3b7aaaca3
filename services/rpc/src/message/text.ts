/** UTF-8 for Text fields: strict when read (no replacement characters, a BOM is kept), lenient when written. */
import { MessageError } from "./message-error.ts";

// Below this many bytes a loop over ASCII is quicker than crossing into the decoder.
const shortBytesMax = 24;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Throws badText when the bytes are not UTF-8. */
export function decodeText(bytes: Uint8Array, at: number, length: number): string {
  if (length <= shortBytesMax) {
    const text = decodeAscii(bytes, at, length);
    if (text !== undefined) return text;
  }
  try {
    return decoder.decode(bytes.subarray(at, at + length));
  } catch {
    throw new MessageError("badText", "text is not UTF-8");
  }
}

function decodeAscii(bytes: Uint8Array, at: number, length: number): string | undefined {
  let text = "";
  for (let i = at; i < at + length; i++) {
    const code = bytes[i] as number;
    if (code > 0x7f) return undefined;
    text += String.fromCharCode(code);
  }
  return text;
}

/** Bytes `writeText` may need. */
export function textBytesMax(text: string): number {
  return text.length * 3; // a UTF-16 unit is at most 3 bytes; a pair of them 4
}

/** Writes at `at`, where `textBytesMax` bytes are free; answers how many were written. Lone surrogates become U+FFFD. */
export function writeText(text: string, bytes: Uint8Array, at: number): number {
  if (text.length <= shortBytesMax && writeAscii(text, bytes, at)) return text.length;
  return encoder.encodeInto(text, bytes.subarray(at)).written;
}

export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

function writeAscii(text: string, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) {
      bytes.fill(0, at, at + i); // free space must stay zero: it may become padding
      return false;
    }
    bytes[at + i] = code;
  }
  return true;
}
