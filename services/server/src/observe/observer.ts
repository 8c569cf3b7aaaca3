/**
 * What the server tells of itself, typed. Hooked in at few places (calls/interface-server.ts, observed-store.ts, front-end.ts), so domain files
 * carry no instrumentation. Labels are closed unions: never a key, an inbox, an address or a message id.
 */
import type { ErrorCode } from "quicproquo-proto";

export type CallObservation = {
  readonly method: string;
  /** "ok", or the code the caller got. */
  readonly code: ErrorCode | "ok" | "canceled";
  readonly seconds: number;
  readonly requestBytes: number;
  /** Where it is traced. */
  readonly span?: SpanIds | undefined;
};

/** In hex, as W3C's trace context has them: 32 and 16 digits. */
export type SpanIds = { readonly traceId: string; readonly spanId: string };

/** Calls of the message log that callers wait for. */
export type StoreOperation = "append" | "appendAll" | "commitGroup" | "read" | "ack";

export type StoreCallObservation = {
  readonly operation: StoreOperation;
  readonly seconds: number;
  /** undefined: it did what it was asked. */
  readonly code: ErrorCode | undefined;
};

/** Can it be reached just now? If not, why not, in the words of the driver. What was counted since the start. */
export type PartState = {
  readonly isUp: boolean;
  readonly reason?: string | undefined;
  readonly counts?: Readonly<Record<string, number>> | undefined;
};

/** The servers behind the store; one that is not used is not there. */
export type StoreParts = Readonly<Partial<Record<"postgres" | "redis", PartState>>>;

export interface Observer {
  callEnded(observation: CallObservation): void;
  messagesDelivered(count: number): void;
  /** Work behind an answer that failed, where nobody waits for an error. */
  backgroundFailed(work: "lease-removal" | "sweep", code: ErrorCode): void;
}

export interface StoreObserver {
  storeCallEnded(observation: StoreCallObservation): void;
}
