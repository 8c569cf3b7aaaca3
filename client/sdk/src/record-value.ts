/**
 * Plain values as the bytes of a record: JSON, in which bytes stand as {"$bytes": base64} and a bigint as {"$bigint":
 * digits}; what is undefined is left out. What it reads was written by this file and is authenticated by the record's
 * AEAD, so it is trusted; a record of another shape is a broken invariant and fails in JSON.parse or at its use.
 */
export function encodeValue(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(toJson(value)));
}

export function decodeValue<T>(bytes: Uint8Array): T {
  return fromJson(JSON.parse(new TextDecoder().decode(bytes))) as T;
}

function toJson(value: unknown): unknown {
  if (typeof value === "bigint") return { $bigint: value.toString() };
  if (value instanceof Uint8Array) return { $bytes: value.toBase64() };
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, toJson(one)]));
}

function fromJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Record<string, unknown>;
  if (typeof fields["$bigint"] === "string") return BigInt(fields["$bigint"]);
  if (typeof fields["$bytes"] === "string") return Uint8Array.fromBase64(fields["$bytes"]);
  return Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, fromJson(one)]));
}
