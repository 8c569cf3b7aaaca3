/**
 * The server's certificate: ECDSA P-256, self-signed, made at first start and kept as DER (mode 0600 for the key).
 * P-256 because browsers refuse Ed25519 certificates. Clients pin it, so it is never replaced silently: a file of the
 * pair that is missing or wrong is an error, not a reason to make a new one.
 */
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { QpqError } from "quicproquo-proto";
import { requireOwnerOnly } from "./secret-file.ts";

export type Certificate = {
  readonly certificateDer: Uint8Array;
  /** PKCS #8. */
  readonly privateKeyDer: Uint8Array;
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
  /** Of the key (RFC 7469 section 2.4): what `qpq --pin` takes, the same for a later certificate of the key. */
  readonly pin: string;
  readonly file: string;
  readonly created: boolean;
};

/** E046_CONFIG when the files do not fit together, have expired or can be read by others. */
export async function loadOrCreateCertificate(dataDir: string, serverName: string): Promise<Certificate> {
  const file = join(dataDir, "server-cert.der");
  const keyFile = join(dataDir, "server-key.der");
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const there = [file, keyFile].filter((name) => existsSync(name));
  if (there.length === 1) {
    throw new QpqError("E046_CONFIG", {
      text: `${there[0]} stands alone; restore the other one, or remove it to get a new pair`,
    });
  }
  const created = there.length === 0;
  if (created) await createFiles({ file, keyFile, serverName });
  requireOwnerOnly(keyFile);
  const certificateDer = readFileSync(file);
  const privateKeyDer = readFileSync(keyFile);
  check({ certificateDer, privateKeyDer, file });
  return {
    certificateDer,
    privateKeyDer,
    fingerprint: createHash("sha256").update(certificateDer).digest("hex"),
    pin: pinOf(certificateDer),
    file,
    created,
  };
}

function pinOf(certificateDer: Uint8Array): string {
  const key = new X509Certificate(certificateDer).publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(key).digest("base64")}`;
}

async function createFiles(files: { file: string; keyFile: string; serverName: string }): Promise<void> {
  const { createSelfSigned } = await import("./self-signed.ts");
  const { certificateDer, privateKeyDer } = await createSelfSigned(files.serverName);
  // key first: a stop in between leaves a key alone, which the next start names
  writeWhole(files.keyFile, privateKeyDer, 0o600);
  writeWhole(files.file, certificateDer, 0o644);
}

function writeWhole(file: string, bytes: Uint8Array, mode: number): void {
  const fresh = `${file}.new`;
  writeFileSync(fresh, bytes, { mode, flush: true });
  chmodSync(fresh, mode);
  renameSync(fresh, file);
}

function check({
  certificateDer,
  privateKeyDer,
  file,
}: {
  certificateDer: Uint8Array;
  privateKeyDer: Uint8Array;
  file: string;
}): void {
  let matches: boolean;
  let validTo: Date;
  try {
    const certificate = new X509Certificate(certificateDer);
    validTo = certificate.validToDate;
    matches = certificate.checkPrivateKey(
      createPrivateKey({ key: Buffer.from(privateKeyDer), format: "der", type: "pkcs8" }),
    );
  } catch (error) {
    throw new QpqError("E046_CONFIG", { text: `${file} or its key cannot be read as DER`, cause: error });
  }
  if (!matches) throw new QpqError("E046_CONFIG", { text: `${file} does not belong to its key` });
  if (validTo.getTime() < Date.now()) {
    throw new QpqError("E046_CONFIG", {
      text: `${file} expired on ${validTo.toISOString()}; remove it and its key to get a new pair`,
    });
  }
}
