/**
 * KeyPackages in qpq.db. Writing thread only; puts and takes run inside the batch's transaction, so that a package is
 * handed out only after its removal is on the disk.
 */
import { createHash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { IdentityKey } from "quicproquo-proto";
import type { KeyPackagePut } from "../port.ts";
import type { KeyPackagePutAnswer } from "../packing/codec.ts";

const singleUse = 0;
const lastResort = 1;

export class KeyPackageTable {
  readonly #count: StatementSync;
  readonly #selectSame: StatementSync;
  readonly #insert: StatementSync;
  readonly #deleteLastResort: StatementSync;
  readonly #selectOldest: StatementSync;
  readonly #markTaken: StatementSync;

  constructor(db: DatabaseSync) {
    // key_package_pool alone answers it: at most the pool and what expired since the last sweep.
    this.#count = db.prepare(`
      SELECT count(*) AS living FROM key_package
      WHERE identity = ? AND last_resort = ${singleUse} AND body IS NOT NULL AND expires_at > ?`);
    this.#selectSame = db.prepare("SELECT 1 FROM key_package WHERE identity = ? AND last_resort = ? AND sha256 = ?");
    this.#insert = db.prepare(`
      INSERT INTO key_package (identity, last_resort, sha256, expires_at, body) VALUES (?, ?, ?, ?, ?)`);
    this.#deleteLastResort = db.prepare(`DELETE FROM key_package WHERE identity = ? AND last_resort = ${lastResort}`);
    // By key_package_pool, first living row.
    this.#selectOldest = db.prepare(`
      SELECT id, body FROM key_package
      WHERE identity = ? AND last_resort = ? AND body IS NOT NULL AND expires_at > ? ORDER BY id LIMIT 1`);
    this.#markTaken = db.prepare("UPDATE key_package SET body = NULL WHERE id = ?");
  }

  put(put: KeyPackagePut, nowMs: number): KeyPackagePutAnswer {
    const { identity, keyPackage, expiresAtMs } = put;
    const kind = put.lastResort ? lastResort : singleUse;
    const sha256 = createHash("sha256").update(keyPackage).digest();
    const remaining = this.#living(identity, nowMs);
    if (this.#selectSame.get(identity, kind, sha256) !== undefined) return { kind: "stored", remaining };
    if (put.lastResort) this.#deleteLastResort.run(identity);
    else if (remaining >= put.poolMax) return { kind: "full", remaining };
    this.#insert.run(identity, kind, sha256, expiresAtMs, keyPackage);
    return { kind: "stored", remaining: this.#living(identity, nowMs) };
  }

  take(identity: IdentityKey, nowMs: number): Uint8Array | undefined {
    const single = this.#selectOldest.get(identity, singleUse, nowMs) as { id: number; body: Uint8Array } | undefined;
    if (single !== undefined) {
      this.#markTaken.run(single.id);
      return single.body;
    }
    const last = this.#selectOldest.get(identity, lastResort, nowMs) as { body: Uint8Array } | undefined;
    return last?.body;
  }

  #living(identity: IdentityKey, nowMs: number): number {
    return (this.#count.get(identity, nowMs) as { living: number }).living;
  }
}
