/** The time of its sending in a payload. The clock is monotonic and the same for all processes of a machine. */
export function stamped(payload: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(payload);
  viewOf(copy).setBigUint64(0, process.hrtime.bigint());
  return copy;
}

export function stampOf(payload: Uint8Array): bigint {
  return viewOf(payload).getBigUint64(0);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
