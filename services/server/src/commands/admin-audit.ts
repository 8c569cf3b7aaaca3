/** The audit log of a command: lines go where the servers' go if auditFile says so, else to standard error. */
import type { ServerConfig } from "../config.ts";
import { type AuditEntry, AuditLog } from "../observe/audit.ts";
import { createLog } from "../observe/log.ts";

/** Who did it is the account of the machine that ran it. E046_CONFIG when the file cannot be written. */
export function auditCommand(config: ServerConfig, name: string): (entry: AuditEntry) => void {
  const audit = new AuditLog(config, createLog(config.logLevel), name);
  return (entry) => audit.write({ ...entry, uid: process.getuid?.() });
}
