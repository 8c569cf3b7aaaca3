/** Which servers a client trusts, and certificates in the forms that the TLS stacks take. */
import { createHash, X509Certificate } from "node:crypto";
import { QpqError } from "quicproquo-proto";

/** PEM text, or bytes: DER, or PEM if they begin like it. */
export type Certificate = string | Uint8Array;

/** What a listener shows, and proves to have the key of. */
export type CertificatePair = {
  /** A chain: leaf first. */
  readonly certificate: Certificate;
  /** PKCS #8. */
  readonly privateKey: Certificate;
};

export type Trust =
  /** The one certificate that is trusted: the server's own, or the one that signed it. */
  | { readonly caCertificate: Certificate }
  /**
   * SHA-256 of the SubjectPublicKeyInfo of each key that is trusted, 32 bytes each, 1 to 16 of them. The key alone
   * counts: neither the certificate's name nor its dates do.
   */
  | { readonly pins: readonly Uint8Array[] }
  /** The authorities that Node trusts by default (`tls.getCACertificates`), for certificates of the web's kind. */
  | { readonly systemRoots: true };

const pinBytes = 32;
const pinsMax = 16;

/** E046_CONFIG for pins that are none. */
export function checkTrust(trust: Trust): void {
  if (!("pins" in trust)) return;
  const { pins } = trust;
  if (pins.length > 0 && pins.length <= pinsMax && pins.every((pin) => pin.length === pinBytes)) return;
  throw new QpqError("E046_CONFIG", { text: `1 to ${pinsMax} pins of 32 bytes are needed` });
}

/** Is it the key of this certificate (DER)? False for what is no certificate. */
export function isPinned(certificate: Uint8Array | undefined, pins: readonly Uint8Array[]): boolean {
  if (certificate === undefined) return false;
  try {
    const key = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
    const hash = createHash("sha256").update(key).digest();
    return pins.some((pin) => hash.equals(pin));
  } catch {
    return false;
  }
}

export function pemOf(value: Certificate, label: "CERTIFICATE" | "PRIVATE KEY"): Buffer {
  if (typeof value === "string") return Buffer.from(value);
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (bytes.subarray(0, 10).toString("latin1") === "-----BEGIN") return bytes;
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return Buffer.from([`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n"));
}
