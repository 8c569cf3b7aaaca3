/**
 * `production`: what is for trying out, and would let somebody in who does not belong there, ends the start. All of it is
 * told at once, each with what to do.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { QpqError } from "quicproquo-proto";
import { type Certificate, certificateFiles, loadCertificate } from "./certificate.ts";
import type { ServerConfig } from "./config.ts";
import { wideModeOf } from "./secret-file.ts";

/** E046_CONFIG with every finding. Reads files, makes none. */
export function requireFitForProduction(config: ServerConfig): void {
  const findings = [
    ...tokenFindings(config),
    ...identityFindings(config),
    ...certificateFindings(config),
    ...secretFileFindings(config),
  ];
  if (findings.length === 0) return;
  const list = findings.map((finding) => `\n  - ${finding}`).join("");
  throw new QpqError("E046_CONFIG", {
    text: `QPQ_PRODUCTION does not start with this (docs/security.md):${list}`,
  });
}

/** What everybody's tutorial has. */
const knownToken = "devtoken";
const giveToken =
  "run: (umask 077; openssl rand -base64 32 > FILE), and set QPQ_AUTH_TOKEN_FILE=FILE and unset QPQ_AUTH_TOKEN";

function tokenFindings({ authToken, singleTenant }: ServerConfig): string[] {
  if (authToken === undefined && !singleTenant) return [];
  const findings: string[] = [];
  const remedy = singleTenant ? giveToken : "unset QPQ_AUTH_TOKEN and QPQ_AUTH_TOKEN_FILE: people log in";
  if (authToken === undefined) findings.push(`no static token is given, and none is made; ${giveToken}`);
  else if (authToken === "") findings.push(`the static token is empty; ${remedy}`);
  else if (authToken === knownToken)
    findings.push(`the static token is "${knownToken}", which everybody knows; ${remedy}`);
  if (authToken !== undefined && authToken !== "" && !singleTenant) {
    findings.push(
      "a static token is set, whose holder may act for every identity; unset QPQ_AUTH_TOKEN and QPQ_AUTH_TOKEN_FILE, or, if all who have it may do so, add --single-tenant",
    );
  }
  return findings;
}

function identityFindings({ allowUnprovenIdentity }: ServerConfig): string[] {
  if (!allowUnprovenIdentity) return [];
  return [
    "identities need no proof, so whoever registers first takes anybody's; leave out --allow-unproven-identity (QPQ_ALLOW_UNPROVEN_IDENTITY, allowUnprovenIdentity in the file)",
  ];
}

function certificateFindings(config: ServerConfig): string[] {
  const { certificateFile, keyFile } = certificateFiles(config);
  const { serverName } = config;
  const make = `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=${serverName} -addext subjectAltName=DNS:${serverName} -keyout key.pem -out cert.pem`;
  const remedy = `run: ${make} (with the name that clients use), or take your authority's, and add --tls-cert cert.pem --tls-key key.pem`;
  if (![certificateFile, keyFile].some((file) => existsSync(file))) {
    return [`there is no certificate ${certificateFile}, and none is made; ${remedy}`];
  }
  let certificate: Certificate;
  try {
    certificate = loadCertificate(config);
  } catch (error) {
    return [error instanceof QpqError ? error.text : `${certificateFile} or ${keyFile} cannot be read`];
  }
  return certificate.isGenerated ? [`${certificateFile} was made by a server for itself; ${remedy}`] : [];
}

const ownSecrets = ["auth-token", "transport-secret", "opaque-setup"];

/** Those in the data folder are refused without production too. The key's is found where the certificate is looked at. */
function secretFileFindings({ dataDir, secretFiles }: ServerConfig): string[] {
  const own = ownSecrets.map((name) => join(dataDir, name)).filter((file) => existsSync(file));
  return [...own, ...secretFiles].map(wideModeOf).filter((finding) => finding !== undefined);
}
