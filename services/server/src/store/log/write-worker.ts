/**
 * The worker thread that owns the embedded store: the only writer of the message log and of qpq.db.
 *
 * A batch is one commit of the log, and, when it has other calls than messages', one transaction of qpq.db; it is answered
 * after both. When anything in it fails every call of it is answered with the failure: none is acknowledged falsely. The
 * log is committed first. So between the two, after a crash, a batch's messages are there and its rows are not: what a
 * row stands for must not be gone from the log before it is durable (erasure.ts keeps to it).
 */
import type { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { ByteReader } from "../../ipc/bytes.ts";
import { accessWrites } from "../sqlite/access-table.ts";
import { accountWrites } from "../sqlite/account-table.ts";
import { BlobTable } from "../sqlite/blob-table.ts";
import { checkpointWhenDue, openForWriting, type WriteConnection } from "../sqlite/database.ts";
import { Erasure } from "../sqlite/erasure.ts";
import { HybridKeyTable } from "../sqlite/hybrid-key-table.ts";
import { KeyPackageTable } from "../sqlite/key-package-table.ts";
import type { Batch, WriteCall } from "../sqlite/protocol.ts";
import { type AnswerChannel, type Handlers, makeAnswerWriter, runCall, type Service, serve } from "../sqlite/serve.ts";
import { Sweeper } from "../sqlite/sweeper.ts";
import { diskFiles } from "./files.ts";
import { openLogFolder } from "./folder.ts";
import { SyncFailed } from "./journal.ts";
import { Positions } from "./positions.ts";
import type { CheckpointTask, LogWriteSettings } from "./protocol.ts";
import { LogWriter } from "./writer.ts";

/** The calls that are the log's alone. */
type LogCall = "append" | "commitGroup" | "ack" | "probe";

class WriteService implements Service {
  readonly #connection: WriteConnection;
  readonly #answers: AnswerChannel;
  readonly #log: LogWriter;
  readonly #erasure: Erasure;
  readonly #handlers: Handlers<WriteCall>;
  readonly #folder: { readonly folder: string; readonly logId: number };
  #checkpoint: Worker | undefined;
  #stepIsDue = false;
  #upkeepIsDue = false;

  constructor(settings: LogWriteSettings, answers: AnswerChannel) {
    this.#connection = openForWriting(settings);
    this.#answers = answers;
    try {
      const { db, storeEpoch } = this.#connection;
      this.#folder = openLogFolder({ files: diskFiles, db, file: settings.file }, (taken, messages) =>
        answers.tell({ kind: "takingOver", taken, messages }),
      );
      this.#log = new LogWriter({
        ...settings,
        ...this.#folder,
        files: diskFiles,
        positions: new Positions(settings.positions),
        bytesMax: settings.fileBytesMax,
        storeEpoch,
        startCheckpoint: (number) => this.#startCheckpoint(number),
      });
      const { tornBytes } = this.#log.journal.recovery;
      if (tornBytes > 0) answers.tell({ kind: "cutOff", tornBytes });
      const blobs = new BlobTable(db);
      this.#erasure = new Erasure(db, { eraseInboxes: this.#log.eraseInboxes.bind(this.#log), blobs });
      this.#handlers = { ...this.#logCalls(), ...this.#inTransaction(this.#rowCalls(db, blobs)) };
    } catch (error) {
      this.#connection.db.close();
      this.#connection.lock.close();
      throw error;
    }
  }

  run(batch: Batch): void {
    const writer = makeAnswerWriter();
    const input = { reader: new ByteReader(batch.buffer), writer, nowMs: batch.nowMs };
    const { db } = this.#connection;
    try {
      this.#log.prepare({ calls: batch.calls, bytes: batch.buffer.byteLength, grows: batch.grows });
    } catch (error) {
      return this.#answers.fail(error);
    }
    this.#erasure.begin();
    const failed = this.#carryOut(batch, input);
    try {
      // Also what the calls before the failed one did: it was decided, and nobody is told that it was not.
      this.#log.commit(batch.nowMs);
      if (db.isTransaction) db.exec(failed === undefined ? "COMMIT" : "ROLLBACK");
    } catch (error) {
      return this.#giveUp(error);
    }
    if (failed !== undefined) return this.#answers.fail(failed);
    this.#answers.answer(batch.calls, writer);
    checkpointWhenDue(db);
    if (this.#upkeepIsDue) this.#tend(() => this.#log.upkeep.sweep(batch.nowMs));
    this.#upkeepIsDue = false;
    this.#workLater();
  }

  /** Gives the lock back when nothing writes any more. */
  async close(): Promise<void> {
    await this.#checkpoint?.terminate();
    this.#log.close();
    this.#connection.db.close();
    this.#connection.lock.close();
  }

  #carryOut(batch: Batch, input: Parameters<typeof runCall>[1]): unknown {
    try {
      for (let i = 0; i < batch.calls; i++) runCall(this.#handlers, input);
      return undefined;
    } catch (error) {
      return error ?? new Error("a call failed");
    }
  }

  #giveUp(error: unknown): void {
    const { db } = this.#connection;
    if (db.isTransaction) db.exec("ROLLBACK");
    this.#answers.fail(error);
    // The thread ends, and with it the trust in what its file reads as.
    if (error instanceof SyncFailed) throw error;
    this.#log.restore();
  }

  #logCalls(): Pick<Handlers<WriteCall>, LogCall> {
    return {
      append: (entries, nowMs) => this.#log.append(entries, nowMs),
      commitGroup: (commit, nowMs) => this.#log.commitGroup(commit, nowMs),
      ack: (request) => this.#log.ack(request),
      probe: () => undefined,
    };
  }

  #rowCalls(db: DatabaseSync, blobs: BlobTable): Omit<Handlers<WriteCall>, LogCall> {
    const sweepMessages = this.#log.sweep.bind(this.#log);
    const sweeper = new Sweeper(db, { sweepMessages, blobs, erasure: this.#erasure });
    const keyPackages = new KeyPackageTable(db);
    const hybridKeys = new HybridKeyTable(db);
    return {
      sweep: (rowsMax, nowMs) => {
        const rows = sweeper.sweep(rowsMax, nowMs);
        this.#upkeepIsDue = true;
        return rows;
      },
      putKeyPackage: (put, nowMs) => keyPackages.put(put, nowMs),
      takeKeyPackage: (identity, nowMs) => keyPackages.take(identity, nowMs),
      putHybridKey: (put) => hybridKeys.put(put),
      ...accountWrites(db),
      ...accessWrites(db),
      appendBlob: (append, nowMs) => blobs.append(append, nowMs),
      completeBlob: (request, nowMs) => blobs.complete(request, nowMs),
      removeUpload: (upload, nowMs) => blobs.remove(upload, nowMs),
      deleteAccountStep: (identity) => this.#erasure.step(identity),
    };
  }

  /** A batch of messages alone needs no transaction. */
  #inTransaction<H extends Partial<Handlers<WriteCall>>>(handlers: H): H {
    const { db } = this.#connection;
    const wrapped = Object.entries(handlers).map(([name, handler]) => [
      name,
      (request: never, nowMs: number) => {
        if (!db.isTransaction) db.exec("BEGIN IMMEDIATE");
        return (handler as (request: never, nowMs: number) => unknown)(request, nowMs);
      },
    ]);
    return Object.fromEntries(wrapped) as H;
  }

  #startCheckpoint(number: number): void {
    const worker = new Worker(new URL("./checkpoint-worker.ts", import.meta.url), {
      name: "qpq-store-checkpoint",
      workerData: { ...this.#folder, number } satisfies CheckpointTask,
      execArgv: [],
    });
    worker.unref();
    this.#checkpoint = worker;
    // A full disk: the next look tries again, and until then the log keeps what it has.
    worker.on("error", () => undefined);
    worker.on("exit", () => {
      if (this.#checkpoint !== worker) return;
      this.#checkpoint = undefined;
      this.#tend(() => this.#log.upkeep.checkpointEnded());
      this.#workLater();
    });
  }

  /** What makes and removes files: when the disk refuses, nothing is lost, and the next sweep tries again. */
  #tend(work: () => void): void {
    try {
      work();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).errno === undefined) throw error;
    }
  }

  /** Between the batches that wait. */
  #workLater(): void {
    if (this.#stepIsDue || !this.#log.upkeep.hasWork) return;
    this.#stepIsDue = true;
    setImmediate(() => {
      this.#stepIsDue = false;
      this.#step();
    });
  }

  #step(): void {
    try {
      this.#log.upkeep.step();
    } catch (error) {
      if (error instanceof SyncFailed) throw error;
      this.#log.restore();
      return;
    }
    this.#workLater();
  }
}

serve<LogWriteSettings>((settings, answers) => new WriteService(settings, answers));
