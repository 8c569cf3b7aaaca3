/**
 * Makes a self-signed certificate. In a file of its own because the X.509 library is needed at the first start only, and
 * loading it takes 0.15 s.
 */
import "reflect-metadata"; // @peculiar/x509 reads decorators through it
import { randomBytes, webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

// two years: long enough not to bite a small server, short enough that renewing is practised
const lifeDays = 730;

export type CertificatePair = { readonly certificateDer: Uint8Array; readonly privateKeyDer: Uint8Array };

/** ECDSA P-256; privateKeyDer is PKCS #8. */
export async function createSelfSigned(serverName: string, organization?: string): Promise<CertificatePair> {
  const crypto = webcrypto as Crypto;
  cryptoProvider.set(crypto);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const now = Date.now();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // RFC 5280 section 4.1.2.2: positive; 0x40 keeps the first bit clear and the first byte from being zero
    serialNumber: `40${randomBytes(15).toString("hex")}`,
    name: organization === undefined ? `CN=${serverName}` : `CN=${serverName}, O=${organization}`,
    // an hour back: the client's clock may be behind
    notBefore: new Date(now - 3_600_000),
    notAfter: new Date(now + lifeDays * 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      // no KeyUsage: without keyCertSign BoringSSL does not take a certificate for self-signed, with it RFC 5280 wants a CA
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([{ type: "dns", value: serverName }]),
    ],
  });
  return {
    certificateDer: new Uint8Array(certificate.rawData),
    privateKeyDer: new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey)),
  };
}
