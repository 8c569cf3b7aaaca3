/**
 * The cipher suite of a connection, read from its resumption ticket: the binding has no call for it.
 *
 * The ticket reaches only the client, and a moment after the handshake; until then, and on a server, it is unknown.
 * Layout: length u64 BE | SSL_SESSION | ..., where SSL_SESSION is BoringSSL's DER
 * `SEQUENCE { version INTEGER, tlsVersion INTEGER, cipher OCTET STRING (2), ... }`.
 */

/** RFC 8446 appendix B.4: the suites BoringSSL has for TLS 1.3. */
const suites: Readonly<Record<number, string>> = {
  0x1301: "TLS_AES_128_GCM_SHA256",
  0x1302: "TLS_AES_256_GCM_SHA384",
  0x1303: "TLS_CHACHA20_POLY1305_SHA256",
};

const der = { integer: 0x02, octets: 0x04, sequence: 0x30 } as const;
const sessionAt = 8;

/** undefined for a missing session or one laid out in another way: this is information, never a decision. */
export function cipherOfSession(session: Uint8Array | null): string | undefined {
  if (session === null) return undefined;
  const bytes = Buffer.from(session.buffer, session.byteOffset, session.byteLength);
  const inside = bodyAt(bytes, sessionAt, der.sequence);
  const version = inside === undefined ? undefined : skip(bytes, inside, der.integer);
  const tlsVersion = version === undefined ? undefined : skip(bytes, version, der.integer);
  const cipher = tlsVersion === undefined ? undefined : bodyAt(bytes, tlsVersion, der.octets);
  if (cipher === undefined || cipher + 2 > bytes.length) return undefined;
  return suites[bytes.readUInt16BE(cipher)];
}

/** Where the body of the element begins; undefined when another element stands there. */
function bodyAt(bytes: Buffer, at: number, tag: number): number | undefined {
  const length = bytes[at + 1];
  if (bytes[at] !== tag || length === undefined) return undefined;
  return at + 2 + (length < 0x80 ? 0 : length & 0x7f);
}

/** Where the element after this short one begins. */
function skip(bytes: Buffer, at: number, tag: number): number | undefined {
  const body = bodyAt(bytes, at, tag);
  const length = bytes[at + 1] ?? 0;
  return body === undefined || length >= 0x80 ? undefined : body + length;
}
