/**
 * The worker thread that only reads the embedded store, beside the one that writes it.
 *
 * A batch sees everything that was made durable before it began, and so everything whose append was answered before.
 */
import type { DatabaseSync } from "node:sqlite";
import { ByteReader } from "../../ipc/bytes.ts";
import { accountReads } from "../sqlite/account-reader.ts";
import { blobReads } from "../sqlite/blob-reader.ts";
import { openForReading } from "../sqlite/database.ts";
import { HybridKeyTable } from "../sqlite/hybrid-key-table.ts";
import type { Batch, ReadCall } from "../sqlite/protocol.ts";
import { type AnswerChannel, type Handlers, makeAnswerWriter, runCall, type Service, serve } from "../sqlite/serve.ts";
import { diskFiles } from "./files.ts";
import { logFolderOf } from "./folder.ts";
import { Follower } from "./follower.ts";
import { LogReader } from "./log-reader.ts";
import { Positions } from "./positions.ts";
import type { LogReadSettings } from "./protocol.ts";

/** Answers are sent on when they reach this size, so that a batch of large reads does not pile up in memory. */
const answerBytesMax = 4 * 1024 * 1024;

/** The calls that qpq.db answers. */
type RowReads = Handlers<Exclude<ReadCall, "read">>;

class ReadService implements Service {
  readonly #db: DatabaseSync;
  readonly #answers: AnswerChannel;
  readonly #follower: Follower;
  readonly #handlers: Handlers<ReadCall>;

  constructor({ file, positions }: LogReadSettings, answers: AnswerChannel) {
    const { db, storeEpoch } = openForReading(file);
    this.#db = db;
    this.#answers = answers;
    this.#follower = new Follower({ files: diskFiles, ...logFolderOf(db, file) }, new Positions(positions));
    const messages = new LogReader(this.#follower, storeEpoch);
    const hybridKeys = new HybridKeyTable(db);
    const probe = db.prepare("SELECT value FROM meta WHERE name = 'store_epoch'");
    this.#handlers = {
      read: (query, nowMs) => messages.read(query, nowMs),
      ...this.#inSnapshot({
        getHybridKeys: (identities) => hybridKeys.get(identities),
        ...accountReads(db),
        ...blobReads(db),
        probe: () => void probe.get(),
      }),
    };
  }

  run(batch: Batch): void {
    const writer = makeAnswerWriter();
    const input = { reader: new ByteReader(batch.buffer), writer, nowMs: batch.nowMs };
    let answered = 0;
    try {
      this.#follower.catchUp();
      for (let i = 1; i <= batch.calls; i++) {
        runCall(this.#handlers, input);
        if (i < batch.calls && writer.length < answerBytesMax) continue;
        this.#answers.answer(i - answered, writer);
        answered = i;
      }
    } catch (error) {
      this.#answers.fail(error);
    }
    // The snapshot must go: while it stands the writer cannot begin the WAL anew.
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
  }

  look(): void {
    this.#follower.catchUp();
  }

  close(): void {
    this.#follower.close();
    this.#db.close();
  }

  /** Reads of messages alone need no snapshot of the file. */
  #inSnapshot(handlers: RowReads): RowReads {
    const wrapped = Object.entries(handlers).map(([name, handler]) => [
      name,
      (request: never, nowMs: number) => {
        if (!this.#db.isTransaction) this.#db.exec("BEGIN");
        return (handler as (request: never, nowMs: number) => unknown)(request, nowMs);
      },
    ]);
    return Object.fromEntries(wrapped) as RowReads;
  }
}

serve<LogReadSettings>((settings, answers) => new ReadService(settings, answers));
