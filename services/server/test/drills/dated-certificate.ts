/** A self-signed pair in PEM that is valid from and until so many days from now. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  cryptoProvider,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const dayMs = 86_400_000;

/** Answers the flags that name the two files in the folder. */
export async function writeCertificate(folder: string, days: { from: number; until: number }): Promise<string> {
  const crypto = webcrypto as Crypto;
  cryptoProvider.set(crypto);
  const signingAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(signingAlgorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: "CN=localhost",
    notBefore: new Date(Date.now() + days.from * dayMs),
    notAfter: new Date(Date.now() + days.until * dayMs),
    signingAlgorithm,
    keys,
    extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: "localhost" }])],
  });
  const [certificateFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(certificateFile, certificate.toString("pem"));
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  writeFileSync(keyFile, PemConverter.encode(key, "PRIVATE KEY"), { mode: 0o600 });
  return `--tls-cert ${certificateFile} --tls-key ${keyFile}`;
}
