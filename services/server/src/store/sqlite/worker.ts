/**
 * The worker thread that owns qpq.db: takes batches of calls, answers them in order.
 *
 * A batch of writes is one transaction and is answered after its commit. When anything in it fails, all of it is rolled
 * back and every call of it is answered with the failure: no call is ever half done and none is acknowledged falsely.
 */
import assert from "node:assert";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { checkpointWhenDue, type OpenDatabase, openDatabase } from "./database.ts";
import { DedupeTable } from "./dedupe-table.ts";
import { failureOf } from "./failure.ts";
import { InboxTable } from "./inbox-table.ts";
import { KeyTable } from "./key-table.ts";
import { MessageTable } from "./message-table.ts";
import {
  type Batch,
  type CallName,
  type Calls,
  callNames,
  codecs,
  type FromWorker,
  type ToWorker,
  type WorkerSettings,
} from "./protocol.ts";
import { Sweeper } from "./sweeper.ts";

/** Read answers are sent on when they reach this size, so that a batch of large reads does not pile up in memory. */
const answerBytesMax = 4 * 1024 * 1024;
const answerBytesFirst = 4 * 1024;

type Handlers = { readonly [N in CallName]: (request: Calls[N]["request"], nowMs: number) => Calls[N]["answer"] };

class StoreWorker {
  readonly #port: MessagePort;
  readonly #db: OpenDatabase["db"];
  readonly #inboxes: InboxTable;
  readonly #handlers: Handlers;

  constructor(port: MessagePort, settings: WorkerSettings) {
    const { db, storeEpoch } = openDatabase(settings);
    const { queueDepthMax, dedupeWindowMs } = settings;
    this.#port = port;
    this.#db = db;
    const inboxes = new InboxTable(db);
    const dedupe = new DedupeTable(db);
    const messages = new MessageTable(db, { inboxes, dedupe, storeEpoch, queueDepthMax });
    const sweeper = new Sweeper(db, { inboxes, messages, dedupe, dedupeWindowMs });
    const keys = new KeyTable(db);
    const probe = db.prepare("SELECT value FROM meta WHERE name = 'store_epoch'");
    this.#inboxes = inboxes;
    this.#handlers = {
      append: (entries, nowMs) => messages.append(entries, nowMs),
      ack: (request) => messages.ack(request),
      sweep: (rowsMax, nowMs) => sweeper.sweep(rowsMax, nowMs),
      putKeyPackage: (put, nowMs) => keys.putKeyPackage(put, nowMs),
      takeKeyPackage: (identity, nowMs) => keys.takeKeyPackage(identity, nowMs),
      putHybridKey: (put) => keys.putHybridKey(put),
      read: (query, nowMs) => messages.read(query, nowMs),
      getHybridKeys: (identities) => keys.getHybridKeys(identities),
      health: () => void probe.get(),
    };
  }

  run(message: ToWorker): void {
    if (message.kind === "close") this.#close();
    else if (message.lane === "write") this.#runWrites(message);
    else this.#runReads(message);
  }

  #runWrites(batch: Batch): void {
    const reader = new ByteReader(batch.buffer);
    const writer = new ByteWriter(answerBytesFirst);
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      for (let i = 0; i < batch.calls; i++) this.#runCall(reader, writer, batch.nowMs);
      this.#db.exec("COMMIT");
    } catch (error) {
      // SQLite may have rolled back by itself (disk full), or not (a failed COMMIT).
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      this.#inboxes.forget();
      this.#post({ kind: "failed", lane: "write", failure: failureOf(error) });
      return;
    }
    this.#postAnswers("write", batch.calls, writer);
    checkpointWhenDue(this.#db);
  }

  #runReads(batch: Batch): void {
    const reader = new ByteReader(batch.buffer);
    const writer = new ByteWriter(answerBytesFirst);
    let answered = 0;
    try {
      for (let i = 1; i <= batch.calls; i++) {
        this.#runCall(reader, writer, batch.nowMs);
        if (i < batch.calls && writer.length < answerBytesMax) continue;
        this.#postAnswers("read", i - answered, writer);
        answered = i;
      }
    } catch (error) {
      this.#post({ kind: "failed", lane: "read", failure: failureOf(error) });
    }
  }

  #runCall(reader: ByteReader, writer: ByteWriter, nowMs: number): void {
    const name = callNames[reader.u8()];
    assert(name !== undefined);
    this.#runNamed(name, { reader, writer, nowMs });
  }

  #runNamed<N extends CallName>(name: N, io: { reader: ByteReader; writer: ByteWriter; nowMs: number }): void {
    const codec = codecs[name];
    codec.writeAnswer(io.writer, this.#handlers[name](codec.readRequest(io.reader), io.nowMs));
  }

  #postAnswers(lane: Batch["lane"], calls: number, writer: ByteWriter): void {
    const buffer = writer.finish();
    this.#post({ kind: "answers", lane, calls, buffer }, buffer);
  }

  #post(message: FromWorker, ...transfer: ArrayBuffer[]): void {
    this.#port.postMessage(message, transfer);
  }

  /** Copies the WAL into the file and gives the lock back; the thread ends when its port is closed. */
  #close(): void {
    this.#db.close();
    this.#port.close();
  }
}

function start(port: MessagePort, settings: WorkerSettings): void {
  const post = (message: FromWorker) => port.postMessage(message);
  try {
    const worker = new StoreWorker(port, settings);
    port.on("message", (message: ToWorker) => worker.run(message));
    post({ kind: "opened" });
  } catch (error) {
    post({ kind: "refused", failure: failureOf(error) });
  }
}

assert(parentPort !== null, "this file is the store's worker thread");
start(parentPort, workerData as WorkerSettings);
