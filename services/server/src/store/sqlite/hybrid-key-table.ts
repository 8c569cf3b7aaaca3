/** Hybrid keys in qpq.db: put by the writing thread, read by the reading one. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { IdentityKey } from "quicproquo-proto";
import type { HybridKey } from "../port.ts";
import type { HybridKeyPut } from "../packing/codec.ts";

type Row = { public_key: Uint8Array; signature: Uint8Array };

export class HybridKeyTable {
  readonly #upsert: StatementSync;
  readonly #select: StatementSync;

  constructor(db: DatabaseSync) {
    this.#upsert = db.prepare(`
      INSERT INTO hybrid_key (identity, public_key, signature) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET public_key = excluded.public_key, signature = excluded.signature`);
    this.#select = db.prepare("SELECT public_key, signature FROM hybrid_key WHERE identity = ?");
  }

  put({ identity, key }: HybridKeyPut): undefined {
    this.#upsert.run(identity, key.hybridPublicKey, key.signature);
  }

  /** In the order asked for. */
  get(identities: readonly IdentityKey[]): readonly (HybridKey | undefined)[] {
    return identities.map((identity) => {
      const row = this.#select.get(identity) as Row | undefined;
      return row && { hybridPublicKey: row.public_key, signature: row.signature };
    });
  }
}
