/**
 * The server's certificate: the pair that the operator gives, or ECDSA P-256, self-signed, made at first start and kept as
 * DER (mode 0600 for the key). P-256 because browsers refuse Ed25519 certificates. Clients pin it, so it is never replaced
 * silently: a file of the pair that is missing or wrong is an error, not a reason to make a new one.
 */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { QpqError } from "quicproquo-proto";
import type { CertificatePair } from "quicproquo-transport/quic";
import type { ServerConfig } from "./config.ts";
import { requireOwnerOnly } from "./secret-file.ts";

export type Certificate = CertificatePair & {
  /** DER, of the leaf. */
  readonly leaf: Uint8Array;
  /** SHA-256 of the leaf, lower-case hex. */
  readonly fingerprint: string;
  /** Of the key (RFC 7469 section 2.4): what `qpq --pin` takes, the same for a later certificate of the key. */
  readonly pin: string;
  readonly expiresAtMs: number;
  /** By a server for itself, now or at a start before: nobody has looked at its name. */
  readonly isGenerated: boolean;
  readonly file: string;
  /** Now. */
  readonly created: boolean;
};

export type CertificateConfig = Pick<ServerConfig, "dataDir" | "serverName" | "tlsCert" | "tlsKey">;

/** Stands in the subject of what is made here, by which it is known. */
const generatedBy = "made by qpq-server";

/** E046_CONFIG when the files do not fit together, are out of their time, or the key can be read by others. */
export async function loadOrCreateCertificate(config: CertificateConfig): Promise<Certificate> {
  const files = certificateFiles(config);
  const mayCreate = config.tlsCert === undefined && !Object.values(files).some((file) => existsSync(file));
  if (!mayCreate) return loadCertificate(config);
  await createFiles(files, config.serverName);
  return { ...loadCertificate(config), created: true };
}

/** As loadOrCreateCertificate, and E046_CONFIG where there is none. */
export function loadCertificate(config: CertificateConfig): Certificate {
  const { certificateFile: file, keyFile } = certificateFiles(config);
  requireBoth(file, keyFile);
  requireOwnerOnly(keyFile);
  const certificate = readFileSync(file);
  const privateKey = readFileSync(keyFile);
  const x509 = parse(file, () => new X509Certificate(certificate));
  const key = parse(keyFile, () => privateKeyOf(privateKey));
  if (!x509.checkPrivateKey(key)) {
    throw new QpqError("E046_CONFIG", { text: `${file} does not belong to the key in ${keyFile}` });
  }
  requireItsTime(file, x509);
  return {
    certificate,
    privateKey,
    leaf: x509.raw,
    fingerprint: createHash("sha256").update(x509.raw).digest("hex"),
    pin: pinOf(x509),
    expiresAtMs: x509.validToDate.getTime(),
    isGenerated: x509.subject.split("\n").includes(`O=${generatedBy}`),
    file,
    created: false,
  };
}

export function certificateFiles({ dataDir, tlsCert, tlsKey }: CertificateConfig) {
  return {
    certificateFile: tlsCert ?? join(dataDir, "server-cert.der"),
    keyFile: tlsKey ?? join(dataDir, "server-key.der"),
  };
}

function pinOf({ publicKey }: X509Certificate): string {
  const key = publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(key).digest("base64")}`;
}

async function createFiles({ certificateFile, keyFile }: ReturnType<typeof certificateFiles>, serverName: string) {
  const { createSelfSigned } = await import("./self-signed.ts");
  const { certificateDer, privateKeyDer } = await createSelfSigned(serverName, generatedBy);
  mkdirSync(dirname(keyFile), { recursive: true, mode: 0o700 });
  // key first: a stop in between leaves a key alone, which the next start names
  writeWhole(keyFile, privateKeyDer, 0o600);
  writeWhole(certificateFile, certificateDer, 0o644);
}

function writeWhole(file: string, bytes: Uint8Array, mode: number): void {
  const fresh = `${file}.new`;
  writeFileSync(fresh, bytes, { mode, flush: true });
  chmodSync(fresh, mode);
  renameSync(fresh, file);
}

function requireBoth(...files: readonly [certificate: string, key: string]): void {
  const there = files.filter((file) => existsSync(file));
  if (there.length === 2) return;
  const [alone] = there;
  throw new QpqError("E046_CONFIG", {
    text:
      alone === undefined
        ? `there is no certificate ${files[0]} and no key ${files[1]}; put both there`
        : `${alone} stands alone; restore the other one, or remove it to get a new pair`,
  });
}

function privateKeyOf(bytes: Buffer): KeyObject {
  const isPem = bytes.subarray(0, 10).toString("latin1") === "-----BEGIN";
  return isPem ? createPrivateKey(bytes) : createPrivateKey({ key: bytes, format: "der", type: "pkcs8" });
}

function parse<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new QpqError("E046_CONFIG", { text: `${file} cannot be read as DER or PEM`, cause });
  }
}

function requireItsTime(file: string, { validFromDate, validToDate }: X509Certificate): void {
  const now = Date.now();
  if (validToDate.getTime() < now) {
    throw new QpqError("E046_CONFIG", {
      text: `${file} expired on ${validToDate.toISOString()}; replace it and its key, or remove both to get a new pair`,
    });
  }
  if (validFromDate.getTime() > now) {
    throw new QpqError("E046_CONFIG", {
      text: `${file} is not valid before ${validFromDate.toISOString()}; look at this machine's clock, or replace it`,
    });
  }
}
