/**
 * Deletes accounts from qpq.db, step by step. Writing thread only, in its transaction.
 *
 * The first step takes the account and notes the keys whose other rows are still to go (table erasure); each step takes
 * a bounded number of them, and the last one the note. So whoever finds a note can go on.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { IdentityKey } from "quicproquo-proto";
import type { BlobTable } from "./blob-table.ts";

/** Of one step: a commit of some 10 ms. */
const stepRowsMax = 128;
type Parts = {
  /** Removes what stands in the inboxes of a key, and them, about rowsMax rows a call; 0: nothing is left. */
  readonly eraseInboxes: (key: IdentityKey, rowsMax: number) => number;
  readonly blobs: BlobTable;
};

export class Erasure {
  readonly #parts: Parts;
  readonly #note: StatementSync;
  readonly #deleteAccount: readonly StatementSync[];
  readonly #selectOf: StatementSync;
  readonly #selectAny: StatementSync;
  readonly #deleteNote: StatementSync;
  readonly #deleteRows: readonly StatementSync[];
  /** A note of this transaction: it may yet be rolled back, and what it stands for must not be gone by then. */
  #hasFreshNote = false;

  constructor(db: DatabaseSync, parts: Parts) {
    this.#parts = parts;
    this.#note = db.prepare(`
      INSERT INTO erasure (key, owner) SELECT ?1, ?1 UNION SELECT device_key, identity FROM device WHERE identity = ?1`);
    this.#deleteAccount = ["account", "token", "device", "endpoint", "delivery_token"]
      .map((table) => `DELETE FROM ${table} WHERE identity = ?`)
      .concat("DELETE FROM block WHERE owner = ?")
      .map((sql) => db.prepare(sql));
    this.#selectOf = db.prepare("SELECT key, owner FROM erasure WHERE owner = ? LIMIT 1");
    this.#selectAny = db.prepare("SELECT key, owner FROM erasure LIMIT 1");
    this.#deleteNote = db.prepare("DELETE FROM erasure WHERE key = ?");
    // by key_package_once, primary key, channel_of_pair, channel_of_other
    this.#deleteRows = [
      "DELETE FROM key_package WHERE id IN (SELECT id FROM key_package WHERE identity = ? LIMIT ?)",
      "DELETE FROM hybrid_key WHERE identity IN (SELECT identity FROM hybrid_key WHERE identity = ? LIMIT ?)",
      "DELETE FROM channel WHERE id IN (SELECT id FROM channel WHERE one = ? LIMIT ?)",
      "DELETE FROM channel WHERE id IN (SELECT id FROM channel WHERE other = ? LIMIT ?)",
    ].map((sql) => db.prepare(sql));
  }

  /** Another transaction: the notes that are found in it are durable. */
  begin(): void {
    this.#hasFreshNote = false;
  }

  /** Answers whether all is gone. */
  step(identity: IdentityKey): boolean {
    if (this.#selectOf.get(identity) === undefined) {
      this.#note.run(identity);
      for (const statement of this.#deleteAccount) statement.run(identity);
      this.#hasFreshNote = true;
    }
    if (this.#hasFreshNote) return false;
    return this.#erase(() => this.#selectOf.get(identity), stepRowsMax) < stepRowsMax;
  }

  /** Goes on with what was left. */
  sweep(rowsMax: number): number {
    if (this.#hasFreshNote) return 0;
    return this.#erase(() => this.#selectAny.get(), rowsMax);
  }

  /** Fewer than rowsMax: there is no note left. */
  #erase(next: () => unknown, rowsMax: number): number {
    let rows = 0;
    while (rows < rowsMax) {
      const note = next() as { key: IdentityKey } | undefined;
      if (note === undefined) break;
      const erased = this.#eraseSome(note.key, rowsMax - rows);
      if (erased === 0) this.#deleteNote.run(note.key);
      rows += Math.max(1, erased);
    }
    return rows;
  }

  /** 0: nothing is left of the key. */
  #eraseSome(key: IdentityKey, rowsMax: number): number {
    const messages = this.#parts.eraseInboxes(key, rowsMax);
    if (messages > 0) return messages;
    for (const statement of this.#deleteRows) {
      const rows = Number(statement.run(key, rowsMax).changes);
      if (rows > 0) return rows;
    }
    return this.#parts.blobs.removeSomeOf(key, rowsMax);
  }
}
