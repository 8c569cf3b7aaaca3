/** Self-signed certificates for tests: ECDSA P-256, as the server makes its own. */
import "reflect-metadata"; // @peculiar/x509 reads decorators through it: before it
import * as x509 from "@peculiar/x509";

export type TestCertificate = { readonly certificate: Uint8Array; readonly privateKey: Uint8Array };

export type CertificateOptions = { readonly name?: string; readonly notBefore?: Date; readonly notAfter?: Date };

/** DER: certificate, and PKCS #8 key. */
export async function makeCertificate(options: CertificateOptions = {}): Promise<TestCertificate> {
  const name = options.name ?? "localhost";
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: options.notBefore ?? new Date(Date.now() - 60_000),
    notAfter: options.notAfter ?? new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: name }])],
  });
  const privateKey = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return { certificate: new Uint8Array(certificate.rawData), privateKey };
}
