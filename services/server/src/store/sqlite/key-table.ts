/**
 * KeyPackages and hybrid keys in qpq.db. Worker thread only; puts and takes run inside the batch's transaction, so that
 * a package is handed out only after its removal is on the disk.
 */
import { createHash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { IdentityKey } from "quicproquo-proto";
import type { HybridKey, KeyPackagePut } from "../port.ts";
import type { HybridKeyPut, KeyPackagePutAnswer } from "./protocol.ts";

const singleUse = 0;
const lastResort = 1;

type HybridRow = { public_key: Uint8Array; signature: Uint8Array };

export class KeyTable {
  readonly #count: StatementSync;
  readonly #selectSame: StatementSync;
  readonly #insert: StatementSync;
  readonly #deleteLastResort: StatementSync;
  readonly #selectOldest: StatementSync;
  readonly #markTaken: StatementSync;
  readonly #upsertHybrid: StatementSync;
  readonly #selectHybrid: StatementSync;

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
    this.#upsertHybrid = db.prepare(`
      INSERT INTO hybrid_key (identity, public_key, signature) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET public_key = excluded.public_key, signature = excluded.signature`);
    this.#selectHybrid = db.prepare("SELECT public_key, signature FROM hybrid_key WHERE identity = ?");
  }

  putKeyPackage(put: KeyPackagePut, nowMs: number): KeyPackagePutAnswer {
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

  takeKeyPackage(identity: IdentityKey, nowMs: number): Uint8Array | undefined {
    const single = this.#selectOldest.get(identity, singleUse, nowMs) as { id: number; body: Uint8Array } | undefined;
    if (single !== undefined) {
      this.#markTaken.run(single.id);
      return single.body;
    }
    const last = this.#selectOldest.get(identity, lastResort, nowMs) as { body: Uint8Array } | undefined;
    return last?.body;
  }

  putHybridKey({ identity, key }: HybridKeyPut): undefined {
    this.#upsertHybrid.run(identity, key.hybridPublicKey, key.signature);
  }

  getHybridKeys(identities: readonly IdentityKey[]): readonly (HybridKey | undefined)[] {
    return identities.map((identity) => {
      const row = this.#selectHybrid.get(identity) as HybridRow | undefined;
      return row && { hybridPublicKey: row.public_key, signature: row.signature };
    });
  }

  #living(identity: IdentityKey, nowMs: number): number {
    return (this.#count.get(identity, nowMs) as { living: number }).living;
  }
}
