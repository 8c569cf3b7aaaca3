/** Uploads in qpq.db: their rows, and their content in pieces. Writing thread only, in its transaction. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { IdentityKey } from "quicproquo-proto";
import type { BlobAppend, BlobAppended, BlobStore, UploadName } from "../port.ts";

/** A piece is one row: a chunk of the usual size is written once, and 50 MiB are 200 rows. */
export const pieceBytes = 256 * 1024;
/** What removing a piece counts for among rows: its 32 pages are to be looked at. */
const rowsOfPiece = 16;

type UploadRow = { id: number; total_size: number; received: number; is_complete: number; expires_at: number };

const none = { uploadId: 0, receivedBytes: 0 };

export class BlobTable {
  readonly #select: StatementSync;
  readonly #sum: StatementSync;
  readonly #insert: StatementSync;
  readonly #receive: StatementSync;
  readonly #selectPiece: StatementSync;
  readonly #insertPiece: StatementSync;
  readonly #updatePiece: StatementSync;
  readonly #complete: StatementSync;
  readonly #giveUp: StatementSync;
  readonly #selectOwned: StatementSync;
  readonly #selectExpired: StatementSync;
  readonly #deletePieces: StatementSync;
  readonly #delete: StatementSync;

  constructor(db: DatabaseSync) {
    // by blob_of_owner
    this.#select = db.prepare("SELECT * FROM blob WHERE owner = ? AND blob_id = ?");
    this.#sum = db.prepare("SELECT coalesce(sum(total_size), 0) AS bytes FROM blob WHERE owner = ? AND expires_at > ?");
    this.#insert = db.prepare(`
      INSERT INTO blob (owner, blob_id, total_size, mime_type, received, expires_at) VALUES (?, ?, ?, ?, 0, ?)`);
    this.#receive = db.prepare("UPDATE blob SET received = ? WHERE id = ?");
    this.#selectPiece = db.prepare("SELECT body FROM blob_piece WHERE upload_id = ? AND number = ?");
    this.#insertPiece = db.prepare("INSERT INTO blob_piece (upload_id, number, body) VALUES (?, ?, ?)");
    this.#updatePiece = db.prepare("UPDATE blob_piece SET body = ?3 WHERE upload_id = ?1 AND number = ?2");
    this.#complete = db.prepare(`
      UPDATE blob SET is_complete = 1, expires_at = CASE is_complete WHEN 1 THEN max(expires_at, ?1) ELSE ?1 END
      WHERE id = ?2 AND owner = ?3 AND blob_id = ?4 AND received = total_size AND expires_at > ?5`);
    this.#giveUp = db.prepare(`
      UPDATE blob SET blob_id = NULL, expires_at = 0
      WHERE id = ? AND owner = ? AND blob_id = ? AND (is_complete = 0 OR expires_at <= ?)`);
    this.#selectOwned = db.prepare("SELECT id FROM blob WHERE owner = ? LIMIT 1");
    this.#selectExpired = db.prepare("SELECT id FROM blob WHERE expires_at <= ? LIMIT 1");
    this.#deletePieces = db.prepare(`
      DELETE FROM blob_piece WHERE id IN (SELECT id FROM blob_piece WHERE upload_id = ? LIMIT ?)`);
    this.#delete = db.prepare("DELETE FROM blob WHERE id = ?");
  }

  append(append: BlobAppend, nowMs: number): BlobAppended {
    const { owner, blobId, totalSize, mimeType, offset, chunk } = append;
    const known = this.#find(append, nowMs);
    const state = known === undefined ? none : { uploadId: known.id, receivedBytes: known.received };
    if (known?.is_complete === 1) return { kind: "complete", ...state };
    if (known !== undefined && known.total_size !== totalSize) return { kind: "otherSize", ...none };
    if (offset !== state.receivedBytes) return { kind: "otherOffset", ...state };
    if (known === undefined && this.#living(owner, nowMs) + totalSize > append.quotaBytesMax) {
      return { kind: "quota", ...none };
    }
    const uploadId =
      known?.id ?? Number(this.#insert.run(owner, blobId, totalSize, mimeType, append.expiresAtMs).lastInsertRowid);
    this.#write(uploadId, offset, chunk);
    const receivedBytes = offset + chunk.length;
    this.#receive.run(receivedBytes, uploadId);
    return { kind: "stored", uploadId, receivedBytes };
  }

  complete({ upload, expiresAtMs }: Parameters<BlobStore["completeBlob"]>[0], nowMs: number): boolean {
    const { uploadId, owner, blobId } = upload;
    return this.#complete.run(expiresAtMs, uploadId, owner, blobId, nowMs).changes === 1;
  }

  /** Its pieces go with the sweep. */
  remove({ uploadId, owner, blobId }: UploadName, nowMs: number): void {
    this.#giveUp.run(uploadId, owner, blobId, nowMs);
  }

  /** At most about rowsMax rows' worth; answers that, 0 when nothing is left. */
  removeSomeOf(owner: IdentityKey, rowsMax: number): number {
    return this.#removeSome(() => this.#selectOwned.get(owner), rowsMax);
  }

  sweep(rowsMax: number, nowMs: number): number {
    return this.#removeSome(() => this.#selectExpired.get(nowMs), rowsMax);
  }

  #removeSome(next: () => unknown, rowsMax: number): number {
    let rows = 0;
    while (rows < rowsMax) {
      const upload = next() as { id: number } | undefined;
      if (upload === undefined) break;
      const pieces = this.#deletePieces.run(upload.id, Math.ceil((rowsMax - rows) / rowsOfPiece)).changes;
      if (pieces === 0) this.#delete.run(upload.id);
      rows += Math.max(1, Number(pieces) * rowsOfPiece);
    }
    return Math.min(rows, rowsMax);
  }

  /** One that has expired is given up on the way, so that its name is free. */
  #find({ owner, blobId }: BlobAppend, nowMs: number): UploadRow | undefined {
    const row = this.#select.get(owner, blobId) as UploadRow | undefined;
    if (row === undefined || row.expires_at > nowMs) return row;
    this.#giveUp.run(row.id, owner, blobId, nowMs);
    return undefined;
  }

  #living(owner: IdentityKey, nowMs: number): number {
    return (this.#sum.get(owner, nowMs) as { bytes: number }).bytes;
  }

  #write(uploadId: number, offset: number, chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const number = Math.floor((offset + at) / pieceBytes);
      const within = (offset + at) % pieceBytes;
      const part = chunk.subarray(at, at + pieceBytes - within);
      if (within === 0) this.#insertPiece.run(uploadId, number, part);
      else {
        const { body } = this.#selectPiece.get(uploadId, number) as { body: Uint8Array };
        this.#updatePiece.run(uploadId, number, Buffer.concat([body, part]));
      }
      at += part.length;
    }
  }
}
