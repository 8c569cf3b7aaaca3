/** The doctor's look at what stands on the disk: certificate, modes of secrets, room, the embedded store's file. */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { QpqError } from "quicproquo-proto";
import { certificateFiles, loadCertificate } from "../../certificate.ts";
import type { ServerConfig } from "../../config.ts";
import { wideModeOf } from "../../secret-file.ts";
import { inspectStoreFile } from "../../store/index.ts";
import { daysLeft } from "../certificate-watch.ts";
import { diskRoomOf } from "../disk.ts";
import { type Finding, failing, ok, warning } from "./finding.ts";

const gibi = 1024 ** 3;
/** The write-ahead log alone may take 64 MiB, and a checkpoint as much again. */
const freeBytesMin = 0.25 * gibi;
const freeBytesWanted = gibi;

export function lookAtCertificate(config: ServerConfig, nowMs: number): Finding[] {
  const { certificateFile, keyFile } = certificateFiles(config);
  if (config.tlsCert === undefined && ![certificateFile, keyFile].some((file) => existsSync(file))) {
    return [ok("certificate", `none yet: the first start makes ${certificateFile}`)];
  }
  try {
    const certificate = loadCertificate(config);
    const until = new Date(certificate.expiresAtMs).toISOString().slice(0, 10);
    const days = daysLeft(certificate, nowMs);
    if (days === undefined) return [ok("certificate", `${certificateFile}, valid until ${until}, ${certificate.pin}`)];
    const told = { text: `${certificateFile} expires on ${until}, in ${days} days`, next: renewal(config) };
    return [warning("certificate", "D04_CERTIFICATE_ENDS", told)];
  } catch (error) {
    const text = error instanceof QpqError ? error.text : `${certificateFile} or ${keyFile} cannot be read`;
    const next = /^\S+ can be read by others; run: (.*)$/.exec(text)?.[1] ?? renewal(config);
    return [failing("certificate", "D03_CERTIFICATE", { text, next })];
  }
}

/** A pair that the server made is made anew when it is gone; clients that pin the key must then be told the new one. */
function renewal(config: ServerConfig): string {
  const { certificateFile, keyFile } = certificateFiles(config);
  if (config.tlsCert === undefined) return `rm -f ${certificateFile} ${keyFile}; qpq-server`;
  return `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 365 -subj /CN=${config.serverName} -addext subjectAltName=DNS:${config.serverName} -keyout ${keyFile} -out ${certificateFile}; kill -HUP PID`;
}

const ownSecrets = ["auth-token", "transport-secret", "opaque-setup"];

export function lookAtModes({ dataDir, secretFiles }: ServerConfig): Finding[] {
  const files = [...ownSecrets.map((name) => join(dataDir, name)), ...secretFiles].filter((file) => existsSync(file));
  const wide = files.filter((file) => wideModeOf(file) !== undefined);
  const findings = wide.map((file) =>
    failing("file modes", "D05_FILE_MODE", { text: `${file} can be read by others`, next: `chmod 600 ${file}` }),
  );
  if (existsSync(dataDir) && (statSync(dataDir).mode & 0o077) !== 0) {
    const text = `${dataDir} can be looked into by others`;
    findings.push(warning("file modes", "D05_FILE_MODE", { text, next: `chmod 700 ${dataDir}` }));
  }
  return findings.length > 0 ? findings : [ok("file modes", `${files.length} secrets are their owner's alone`)];
}

export function lookAtOpaqueSetup({ dataDir, cluster, opaqueSetup }: ServerConfig): Finding[] {
  const file = join(dataDir, "opaque-setup");
  if (opaqueSetup !== undefined || existsSync(file)) return [ok("logins", "there is an OPAQUE setup; keep a copy")];
  if (cluster === undefined) return [ok("logins", `no OPAQUE setup yet: the first start makes ${file}`)];
  const next = `(umask 077; qpq-server secrets opaque-setup > ${file})`;
  return [failing("logins", "D22_OPAQUE_SETUP", { next })];
}

export function lookAtDisk({ dataDir }: ServerConfig): Finding[] {
  const folder = nearestFolder(dataDir);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    const text = `${folder} cannot be written by this user`;
    return [failing("data folder", "D11_DATA_FOLDER", { text, next: `chown ${process.getuid?.() ?? ""} ${folder}` })];
  }
  const freeBytes = diskRoomOf(folder)?.availableBytes ?? 0;
  const text = `${(freeBytes / gibi).toFixed(2)} GiB are free in ${folder}`;
  if (freeBytes >= freeBytesWanted) return [ok("disk", text)];
  const tell = freeBytes < freeBytesMin ? failing : warning;
  return [tell("disk", "D10_DISK_SPACE", { text, next: `du -xsh ${folder}/*; df -h ${folder}` })];
}

/** Of the embedded store. */
export function lookAtStoreFile({ dataDir }: ServerConfig): Finding[] {
  const file = join(dataDir, "qpq.db");
  if (!existsSync(file)) return [ok("store", `no messages yet: the first start makes ${file}`)];
  try {
    const { version, storeEpoch } = inspectStoreFile(file);
    return [ok("store", `${file}: tables ${version}, store epoch ${storeEpoch}`)];
  } catch (error) {
    const text = error instanceof QpqError ? `${error.code} ${error.text}` : `${file} cannot be read`;
    const next = `mv ${dataDir} ${dataDir}.unusable; qpq-server restore FOLDER`;
    return [failing("store", "D12_STORE_FILE", { text, next })];
  }
}

function nearestFolder(path: string): string {
  let folder = resolve(path);
  while (!existsSync(folder)) folder = dirname(folder);
  return folder;
}
