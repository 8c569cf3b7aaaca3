/**
 * Traces, typed: what the few places that are hooked in tell (calls/interface-server.ts, observed-store.ts, the two ways a
 * message leaves). Implemented by otel.ts, which is loaded only where traces are exported; elsewhere it is undefined, and
 * nothing is asked.
 *
 * No key, inbox, user, address or message id gets into a span. A delivery is a trace of its own: who watches traces does not
 * see who writes to whom, unless linkDelivery is on.
 */
import type { ErrorCode, TraceFields } from "quicproquo-proto";
import type { SpanIds } from "./observer.ts";

export type SpanCode = ErrorCode | "ok" | "canceled";

export interface Span {
  end(code: SpanCode): void;
}

/** A call that is traced. */
export interface CallSpan extends Span {
  readonly ids: SpanIds;
  /** Steps of this work, and of what it goes on with, belong to the call until it ends. */
  run<R>(work: () => R): R;
}

/** Of the call that is under way; `publish`: to the readers. */
export type Step = "commit" | "read" | "ack" | "publish";

/** A message that was stored, or is delivered. */
export type TracedMessage = { readonly seq: bigint };

export interface Tracing {
  /** undefined: not traced. A caller that sends a trace context decides, for others chance. `method`: qpq.Interface/method. */
  call(method: string, parent: TraceFields | undefined): CallSpan | undefined;
  /** undefined: no call is under way here, or it is not traced. */
  step(step: Step): Span | undefined;
  /** Runs what is no part of the call that is under way. */
  apart(work: () => void): void;
  /** The call under way has stored it. */
  stored(inbox: string, message: TracedMessage): void;
  /** undefined: not traced. */
  delivery(inbox: string, messages: readonly TracedMessage[]): Span | undefined;
  /** Since the start. */
  readonly spans: Readonly<Record<"sent" | "failed", number>>;
  /** Sends what is left, for a few seconds at most. Never rejects. */
  close(): Promise<void>;
}

/** W3C trace context: https://www.w3.org/TR/trace-context/. */
export type TracingOptions = {
  /** OTLP over HTTP: where /v1/traces is, without it. */
  readonly endpoint: string;
  /** Secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of calls that come without a context, and of deliveries; 0 to 1. */
  readonly sampleRatio: number;
  readonly linkDelivery: boolean;
};
