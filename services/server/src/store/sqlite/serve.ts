/**
 * What both worker threads of the store share: the message loop, and running the packed calls of a batch.
 *
 * It catches only the opening: a service answers its batches itself, with answers or with a failure.
 */
import assert from "node:assert";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { type ByteReader, ByteWriter } from "../../ipc/bytes.ts";
import { type CallName, type Calls, callNames, codecs } from "../packing/index.ts";
import { failureOf } from "./failure.ts";
import type { Batch, FromWorker, StoreNotice, ToWorker } from "./protocol.ts";

/** A thread's side of an open database. */
export type Service = {
  /** Answers every call of the batch, through the channel. */
  run(batch: Batch): void;
  /** Looks at what is new before somebody waits for it. */
  look?(): void;
  close(): void | Promise<void>;
};

/** Answers on their way back; what is posted belongs to the main thread. */
export class AnswerChannel {
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** The next `calls` answers; the writer is empty afterwards. */
  answer(calls: number, writer: ByteWriter): void {
    const buffer = writer.finish();
    this.#port.postMessage({ kind: "answers", calls, buffer } satisfies FromWorker, [buffer]);
  }

  /** For the log of the server. */
  tell(notice: StoreNotice): void {
    this.#port.postMessage({ kind: "told", notice } satisfies FromWorker);
  }

  /** What is left of the batch failed. */
  fail(error: unknown): void {
    this.#port.postMessage({ kind: "failed", failure: failureOf(error) } satisfies FromWorker);
  }
}

export type Handlers<N extends CallName> = {
  readonly [Name in N]: (request: Calls[Name]["request"], nowMs: number) => Calls[Name]["answer"];
};

type CallInput = { readonly reader: ByteReader; readonly writer: ByteWriter; readonly nowMs: number };

/** Reads one call, runs its handler, writes its answer. */
export function runCall<N extends CallName>(handlers: Handlers<N>, input: CallInput): void {
  const name = callNames[input.reader.u8()];
  assert(name !== undefined && name in handlers);
  runNamed(handlers, name as N, input);
}

function runNamed<N extends CallName>(handlers: Handlers<N>, name: N, { reader, writer, nowMs }: CallInput): void {
  const codec = codecs[name];
  codec.writeAnswer(writer, handlers[name](codec.readRequest(reader), nowMs));
}

/** Small: most batches answer with a few bytes a call, and the writer grows. */
export function makeAnswerWriter(): ByteWriter {
  return new ByteWriter(4 * 1024);
}

/** Runs a worker thread: opens the service when told to, feeds it batches, ends the thread after "close". */
export function serve<Settings>(open: (settings: Settings, answers: AnswerChannel) => Service): void {
  assert(parentPort !== null, "this file is a worker thread of the store");
  const port = parentPort;
  let service: Service | undefined;
  port.on("message", (message: ToWorker) => {
    switch (message.kind) {
      case "look":
        return service?.look?.();
      case "open":
        try {
          service = open(workerData as Settings, new AnswerChannel(port));
          port.postMessage({ kind: "opened" } satisfies FromWorker);
        } catch (error) {
          port.postMessage({ kind: "refused", failure: failureOf(error) } satisfies FromWorker);
        }
        return;
      case "batch":
        assert(service !== undefined);
        return service.run(message);
      case "close":
        // With its port closed the thread has nothing left to wait for.
        return void Promise.resolve(service?.close()).then(() => port.close());
    }
  });
}
