/** What stands in a payload of a crowd: when it was due, on the clock of the machine (machineMs), and its number. */

/** Of the smallest payload. */
const headBytes = 12;

/** number: from 0 to 2^32 - 2, of one sender. */
export type Message = { readonly dueMs: number; readonly number: number };

export function writeMessage({ dueMs, number }: Message, bytes: number): Uint8Array {
  const payload = new Uint8Array(Math.max(bytes, headBytes));
  const view = new DataView(payload.buffer);
  view.setFloat64(0, dueMs);
  view.setUint32(8, number);
  return payload;
}

export function readMessage(payload: Uint8Array): Message {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return { dueMs: view.getFloat64(0), number: view.getUint32(8) };
}
