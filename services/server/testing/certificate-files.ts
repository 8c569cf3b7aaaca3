/** A self-signed certificate for localhost and its key in PEM: for what brings TLS of its own beside our server. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSelfSigned } from "../src/self-signed.ts";

/** Their names in the folder. */
export const certificateFiles = { certificate: "certificate.pem", key: "key.pem" } as const;

export async function writeCertificateFiles(folder: string): Promise<void> {
  const { certificateDer, privateKeyDer } = await createSelfSigned("localhost");
  writeFileSync(join(folder, certificateFiles.certificate), pemOf("CERTIFICATE", certificateDer));
  writeFileSync(join(folder, certificateFiles.key), pemOf("PRIVATE KEY", privateKeyDer), { mode: 0o600 });
}

function pemOf(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString("base64")
    .match(/.{1,64}/g);
  return [`-----BEGIN ${label}-----`, ...(lines ?? []), `-----END ${label}-----`, ""].join("\n");
}
