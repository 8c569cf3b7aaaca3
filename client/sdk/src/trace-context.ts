/** The trace that a call belongs to, for a server that traces its calls: OpenTelemetry's SpanContext has this shape. */
import { QpqError, type TraceFields } from "quicproquo-proto";

/** https://www.w3.org/TR/trace-context/#traceparent-header-field-values */
export type TraceContext = {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits: the span that calls. */
  readonly spanId: string;
  /** 1 = it is sampled, and so is what the server does for it; 0 = neither. */
  readonly traceFlags: number;
};

const none: TraceFields = { traceHi: 0n, traceLo: 0n, spanId: 0n, flags: 0 };

/** E001_BAD_REQUEST for what is no context. undefined: the server decides. */
export function traceFieldsOf(context: TraceContext | undefined): TraceFields {
  if (context === undefined) return none;
  const { traceId, spanId, traceFlags } = context;
  if (!/^[0-9a-f]{32}$/i.test(traceId) || !/^[0-9a-f]{16}$/i.test(spanId)) {
    throw new QpqError("E001_BAD_REQUEST", {
      text: "a trace context has a traceId of 32 and a spanId of 16 hex digits",
    });
  }
  const word = (digits: string): bigint => BigInt(`0x${digits}`);
  return {
    traceHi: word(traceId.slice(0, 16)),
    traceLo: word(traceId.slice(16)),
    spanId: word(spanId),
    flags: traceFlags & 0xff,
  };
}
