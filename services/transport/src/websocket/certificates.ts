/** Certificates as node:tls takes them: PEM. */

/** PEM text, or bytes: DER, or PEM if they begin like it. */
export type Certificate = string | Uint8Array;

export function pemOf(value: Certificate, label: "CERTIFICATE" | "PRIVATE KEY"): string {
  if (typeof value === "string") return value;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (bytes.subarray(0, 10).toString("latin1") === "-----BEGIN") return bytes.toString("latin1");
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
