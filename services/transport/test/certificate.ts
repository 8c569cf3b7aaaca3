/** Certificates for tests: ECDSA P-256, self-signed as the server makes its own, or signed by an authority. */
import "reflect-metadata"; // @peculiar/x509 reads decorators through it: before it
import * as x509 from "@peculiar/x509";

export type TestCertificate = { readonly certificate: Uint8Array; readonly privateKey: Uint8Array };

export type CertificateOptions = { readonly name?: string; readonly notBefore?: Date; readonly notAfter?: Date };

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** DER: certificate, and PKCS #8 key. */
export async function makeCertificate(options: CertificateOptions = {}): Promise<TestCertificate> {
  const name = options.name ?? "localhost";
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

/** An authority, and a certificate for `localhost` that it has signed. */
export async function makeSigned(): Promise<{ readonly authority: Uint8Array; readonly server: TestCertificate }> {
  const [above, below] = await Promise.all(
    [0, 1].map(() => crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])),
  );
  if (above === undefined || below === undefined) throw new Error("no keys");
  const dates = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...dates,
    name: "CN=Test Authority",
    signingAlgorithm: algorithm,
    keys: above,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const signed = await x509.X509CertificateGenerator.create({
    ...dates,
    subject: "CN=localhost",
    issuer: authority.subject,
    publicKey: below.publicKey,
    signingKey: above.privateKey,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: "localhost" }])],
  });
  const privateKey = new Uint8Array(await crypto.subtle.exportKey("pkcs8", below.privateKey));
  return {
    authority: new Uint8Array(authority.rawData),
    server: { certificate: new Uint8Array(signed.rawData), privateKey },
  };
}
