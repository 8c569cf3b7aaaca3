/**
 * The worker thread that owns qpq.db: the only writer.
 *
 * A batch is one transaction and is answered after its commit. When anything in it fails, all of it is rolled back and
 * every call of it is answered with the failure: no call is ever half done and none is acknowledged falsely.
 */
import { damaged } from "../log/scan.ts";
import { hasMessageTables } from "../log/takeover.ts";
import { ByteReader } from "../../ipc/bytes.ts";
import { accessWrites } from "./access-table.ts";
import { accountWrites } from "./account-table.ts";
import { BlobTable } from "./blob-table.ts";
import { checkpointWhenDue, openForWriting, type WriteConnection } from "./database.ts";
import { DedupeTable } from "./dedupe-table.ts";
import { Erasure } from "./erasure.ts";
import { GroupTable } from "./group-table.ts";
import { HybridKeyTable } from "./hybrid-key-table.ts";
import { InboxErasure } from "./inbox-erasure.ts";
import { InboxTable } from "./inbox-table.ts";
import { KeyPackageTable } from "./key-package-table.ts";
import { MessageTable } from "./message-table.ts";
import type { Batch, WriteCall, WriteSettings } from "./protocol.ts";
import { type AnswerChannel, type Handlers, makeAnswerWriter, runCall, type Service, serve } from "./serve.ts";
import { MessageSweeper, Sweeper } from "./sweeper.ts";

class WriteService implements Service {
  readonly #connection: WriteConnection;
  readonly #answers: AnswerChannel;
  readonly #inboxes: InboxTable;
  readonly #erasure: Erasure;
  readonly #handlers: Handlers<WriteCall>;

  constructor(settings: WriteSettings, answers: AnswerChannel) {
    this.#connection = openForWriting(settings);
    const { db, storeEpoch } = this.#connection;
    if (!hasMessageTables(db)) throw damaged(`the folder messages beside ${settings.file} is missing`);
    const { queueDepthMax, dedupeWindowMs, groupLifeMs } = settings;
    const inboxes = new InboxTable(db);
    const dedupe = new DedupeTable(db);
    const messages = new MessageTable(db, { inboxes, dedupe, storeEpoch, queueDepthMax });
    const append = messages.appendOrMark.bind(messages);
    const groups = new GroupTable(db, { append, groupLifeMs, dedupeWindowMs });
    const blobs = new BlobTable(db);
    const inboxErasure = new InboxErasure(db, { inboxes, messages });
    const erasure = new Erasure(db, { eraseInboxes: inboxErasure.erase.bind(inboxErasure), blobs });
    const messageSweeper = new MessageSweeper(db, { inboxes, messages, dedupe, groups, dedupeWindowMs });
    const sweeper = new Sweeper(db, { sweepMessages: messageSweeper.sweep.bind(messageSweeper), blobs, erasure });
    const keyPackages = new KeyPackageTable(db);
    const hybridKeys = new HybridKeyTable(db);
    this.#answers = answers;
    this.#inboxes = inboxes;
    this.#erasure = erasure;
    this.#handlers = {
      append: (entries, nowMs) => messages.append(entries, nowMs),
      commitGroup: (commit, nowMs) => groups.commit(commit, nowMs),
      ack: (request) => messages.ack(request),
      sweep: (rowsMax, nowMs) => sweeper.sweep(rowsMax, nowMs),
      putKeyPackage: (put, nowMs) => keyPackages.put(put, nowMs),
      takeKeyPackage: (identity, nowMs) => keyPackages.take(identity, nowMs),
      putHybridKey: (put) => hybridKeys.put(put),
      ...accountWrites(db),
      ...accessWrites(db),
      appendBlob: (append, nowMs) => blobs.append(append, nowMs),
      completeBlob: (request, nowMs) => blobs.complete(request, nowMs),
      removeUpload: (upload, nowMs) => blobs.remove(upload, nowMs),
      deleteAccountStep: (identity) => erasure.step(identity),
      probe: () => undefined,
    };
  }

  run(batch: Batch): void {
    const { db } = this.#connection;
    const writer = makeAnswerWriter();
    const input = { reader: new ByteReader(batch.buffer), writer, nowMs: batch.nowMs };
    try {
      this.#erasure.begin();
      db.exec("BEGIN IMMEDIATE");
      for (let i = 0; i < batch.calls; i++) runCall(this.#handlers, input);
      db.exec("COMMIT");
    } catch (error) {
      // SQLite may have rolled back by itself (disk full), or not (a failed COMMIT).
      if (db.isTransaction) db.exec("ROLLBACK");
      this.#inboxes.forget();
      return this.#answers.fail(error);
    }
    this.#answers.answer(batch.calls, writer);
    checkpointWhenDue(db);
  }

  /** Copies the WAL into the file and gives the lock back. */
  close(): void {
    this.#connection.db.close();
    this.#connection.lock.close();
  }
}

serve<WriteSettings>((settings, answers) => new WriteService(settings, answers));
