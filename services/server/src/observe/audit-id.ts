/**
 * The ids by which the audit log names users. Keyed, because names are guessed: who reads the log, or what collects it,
 * finds no name by trying names. The key comes from the OPAQUE setup, which all servers of a store share and keep: one user
 * is one id on all of them. `qpq-server users list` shows whose id is whose.
 */
import { createHmac, hkdfSync } from "node:crypto";
import { labels, parseUsername } from "quicproquo-proto";

/** 64 bits: among a million users two share an id once in 37 million times. */
const idBytes = 8;

/** Makes an id of a name as somebody gives it, in hex; undefined for what can be no name. */
export type AuditIds = (username: string) => string | undefined;

export function auditIds(opaqueSetup: string): AuditIds {
  const key = Buffer.from(hkdfSync("sha256", opaqueSetup, "", labels.audit, 32));
  return (username) => {
    let name: string;
    try {
      name = parseUsername(username);
    } catch {
      return undefined;
    }
    return createHmac("sha256", key).update(name).digest().toString("hex", 0, idBytes);
  };
}
