/**
 * Tracing by OpenTelemetry, exported as OTLP over HTTP in protobuf. Nothing but this file knows its packages, and it is
 * loaded only where an endpoint is set (120 ms, 45 MB of a process).
 *
 * What is traced is decided before there is a span: a call that is not costs a random number. Steps of a call find it in
 * the asynchronous context, so that domains know nothing of it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Span as OtelSpan,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, BatchSpanProcessor, type SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";
import type { TraceFields } from "quicproquo-proto";
import type { SpanIds } from "./observer.ts";
import type { CallSpan, Span, SpanCode, Step, TracedMessage, Tracing, TracingOptions } from "./tracing.ts";

/** Traces that begin in a second, those that callers ask for too: a span costs 10 us in all. */
const tracesPerSecondMax = 1_000;
/** Stored messages whose deliveries can still be linked. */
const linksMax = 10_000;
const exportPauseMs = 1_000;
/** One export, with its repeats. */
const exportMsMax = 3_000;

type Clock = () => number;

/** `clock`: ms, monotonic. */
export function createTracing(options: TracingOptions, clock: Clock = () => performance.now()): Tracing {
  return new OtelTracing(options, clock);
}

class OtelTracing implements Tracing {
  readonly spans = { sent: 0, failed: 0 };
  readonly #options: TracingOptions;
  readonly #provider: TracerProvider;
  readonly #tracer: ReturnType<TracerProvider["getTracer"]>;
  readonly #calls = new AsyncLocalStorage<TracedCall | undefined>();
  readonly #pace: Pace;
  /** The oldest goes first. */
  readonly #stored = new Map<string, SpanContext>();

  constructor(options: TracingOptions, clock: Clock) {
    this.#options = options;
    this.#pace = new Pace(clock);
    const url = `${options.endpoint.replace(/\/$/, "")}/v1/traces`;
    const exporter = new OTLPTraceExporter({ url, headers: { ...options.headers }, timeoutMillis: exportMsMax });
    this.#provider = new TracerProvider({
      // said in full: the default would tell command line, account and host
      resource: resourceFromAttributes({ "service.name": "qpq-server" }),
      sampler: new AlwaysOnSampler(),
      spanProcessors: [
        // a queue of 2,048: what does not fit is dropped
        new BatchSpanProcessor({ exporter: counted(exporter, this.spans), scheduledDelayMillis: exportPauseMs }),
      ],
    });
    this.#tracer = this.#provider.getTracer("quicproquo");
  }

  call(method: string, parent: TraceFields | undefined): CallSpan | undefined {
    const from = parent === undefined ? undefined : spanContextOf(parent);
    const isWanted = from === undefined ? this.#byChance() : (from.traceFlags & TraceFlags.SAMPLED) !== 0;
    if (!isWanted || !this.#pace.admits()) return undefined;
    const attributes = { "rpc.system.name": "capnproto", "rpc.method": method };
    const context = from === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, from);
    return new TracedCall(this.#tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, context), this.#calls);
  }

  step(step: Step): Span | undefined {
    const call = this.#calls.getStore();
    if (call === undefined || call.isOver) return undefined;
    return new TracedSpan(this.#tracer.startSpan(step, { kind: SpanKind.INTERNAL }, call.context));
  }

  apart(work: () => void): void {
    if (this.#calls.getStore() === undefined) work();
    else this.#calls.run(undefined, work);
  }

  stored(inbox: string, { seq }: TracedMessage): void {
    const call = this.#options.linkDelivery ? this.#calls.getStore() : undefined;
    if (call === undefined) return;
    this.#stored.set(`${seq} ${inbox}`, call.spanContext);
    if (this.#stored.size > linksMax) this.#stored.delete(this.#stored.keys().next().value as string);
  }

  delivery(inbox: string, messages: readonly TracedMessage[]): Span | undefined {
    if (messages.length === 0) return undefined;
    const links = this.#linksTo(inbox, messages);
    if (links.length === 0 && !this.#byChance()) return undefined;
    if (!this.#pace.admits()) return undefined;
    const attributes = { "messaging.batch.message_count": messages.length };
    const options = { kind: SpanKind.PRODUCER, attributes, links };
    return new TracedSpan(this.#tracer.startSpan("deliver", options, ROOT_CONTEXT));
  }

  async close(): Promise<void> {
    await this.#provider.shutdown().catch(() => undefined);
  }

  #byChance(): boolean {
    return Math.random() < this.#options.sampleRatio;
  }

  #linksTo(inbox: string, messages: readonly TracedMessage[]): Link[] {
    if (this.#stored.size === 0) return [];
    return messages.flatMap(({ seq }) => {
      const context = this.#stored.get(`${seq} ${inbox}`);
      return context === undefined ? [] : [{ context }];
    });
  }
}

class TracedSpan implements Span {
  readonly #span: OtelSpan;

  constructor(span: OtelSpan) {
    this.#span = span;
  }

  get spanContext(): SpanContext {
    return this.#span.spanContext();
  }

  get context(): Context {
    return trace.setSpan(ROOT_CONTEXT, this.#span);
  }

  end(code: SpanCode): void {
    if (code !== "ok") {
      this.#span.setAttribute("error.type", code);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}

class TracedCall extends TracedSpan implements CallSpan {
  readonly #calls: AsyncLocalStorage<TracedCall | undefined>;
  /** What it has set going goes on in its context: a subscription for as long as it lives. */
  isOver = false;

  constructor(span: OtelSpan, calls: AsyncLocalStorage<TracedCall | undefined>) {
    super(span);
    this.#calls = calls;
  }

  get ids(): SpanIds {
    return this.spanContext;
  }

  run<R>(work: () => R): R {
    return this.#calls.run(this, work);
  }

  override end(code: SpanCode): void {
    this.isOver = true;
    super.end(code);
  }
}

/** So many a second, counted from the first of them on. */
class Pace {
  readonly #clock: Clock;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  admits(): boolean {
    const nowMs = this.#clock();
    if (nowMs - this.#sinceMs >= 1_000) {
      this.#sinceMs = nowMs;
      this.#count = 0;
    }
    return ++this.#count <= tracesPerSecondMax;
  }
}

/** undefined: none, or none that is valid (https://www.w3.org/TR/trace-context/#trace-id). */
function spanContextOf({ traceHi, traceLo, spanId, flags }: TraceFields): SpanContext | undefined {
  if ((traceHi === 0n && traceLo === 0n) || spanId === 0n) return undefined;
  return { traceId: hexOf(traceHi) + hexOf(traceLo), spanId: hexOf(spanId), traceFlags: flags, isRemote: true };
}

function hexOf(word: bigint): string {
  return word.toString(16).padStart(16, "0");
}

function counted(exporter: OTLPTraceExporter, counts: { sent: number; failed: number }): SpanExporter {
  return {
    export(spans, tell) {
      exporter.export(spans, (result) => {
        // ExportResultCode.SUCCESS
        counts[result.code === 0 ? "sent" : "failed"] += spans.length;
        tell(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush(),
  };
}
