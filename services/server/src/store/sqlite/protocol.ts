/**
 * What the main thread and the store's worker threads say to each other.
 *
 * Calls travel in batches: one transferred ArrayBuffer with the packed calls back to back, answered by one transferred
 * ArrayBuffer with the answers in the same order.
 */
import type { ErrorCode } from "quicproquo-proto";
import type { CallName, ReadName } from "../packing/codec.ts";

/** Calls of the reading thread: answered as they are read. */
export type ReadCall = ReadName | "probe";
/** Calls of the writing thread: a batch of them is one transaction, answered after its commit. */
export type WriteCall = Exclude<CallName, ReadName>;

export type Batch = {
  readonly kind: "batch";
  /** The adapter's clock when the batch was packed: the threads have no clock of their own. */
  readonly nowMs: number;
  readonly calls: number;
  /** It has messages to store. */
  readonly grows: boolean;
  readonly buffer: ArrayBuffer;
};
export type ToWorker = { readonly kind: "open" } | Batch | { readonly kind: "look" } | { readonly kind: "close" };

/** An error on its way between threads; a QpqError does not survive the structured clone. */
export type Failure = { readonly code: ErrorCode; readonly detail: string };

/**
 * What an opening has to say. `takingOver`: an older version's messages are on their way into the log. `cutOff`: the log
 * ended with bytes of a batch that nobody had been told of.
 */
export type StoreNotice =
  | { readonly kind: "takingOver"; readonly taken: number; readonly messages: number }
  | { readonly kind: "cutOff"; readonly tornBytes: number };

export type FromWorker =
  | { readonly kind: "told"; readonly notice: StoreNotice }
  | { readonly kind: "opened" }
  | { readonly kind: "refused"; readonly failure: Failure }
  /** The next `calls` answers of the oldest batch. */
  | { readonly kind: "answers"; readonly calls: number; readonly buffer: ArrayBuffer }
  /** What is left of the oldest batch failed. */
  | { readonly kind: "failed"; readonly failure: Failure };

/** What the writing thread is started with. */
export type WriteSettings = {
  readonly file: string;
  readonly queueDepthMax: number;
  readonly dedupeWindowMs: number;
  readonly groupLifeMs: number;
  readonly fileBytesMax: number;
  readonly raiseStoreEpoch: boolean;
  readonly nowMs: number;
};
/** What the reading thread is started with. */
export type ReadSettings = { readonly file: string };
