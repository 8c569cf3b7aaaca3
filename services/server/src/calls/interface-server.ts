/**
 * Serves one interface by its table: decode, handler, encode. The one try/catch between a handler and the wire, and the
 * one observation of a call.
 */
import { randomBytes } from "node:crypto";
import { type ErrorCode, exceptionTypeOf, type MethodCodec, QpqError, type TraceFields } from "quicproquo-proto";
import { type CapabilityServer, endsLater, type IncomingCall, RpcError, type RpcException } from "quicproquo-rpc";
import { MessageError } from "quicproquo-rpc/message";
import type { Log } from "../observe/log.ts";
import type { Observer } from "../observe/observer.ts";
import type { CallSpan, Tracing } from "../observe/tracing.ts";
import type { InFlight } from "./in-flight.ts";

/** What the calls of every interface need. */
export type InterfaceParts = {
  readonly observer: Observer;
  /** undefined: nothing is traced. */
  readonly tracing?: Tracing | undefined;
  readonly log: Log;
  readonly inFlight: InFlight;
};

type AnyCodec = {
  readonly method: { readonly ordinal: number };
  readonly decodeParams: (reader: never) => object;
  readonly decodeResults: (reader: never) => object;
};
type Codecs = Readonly<Record<string, AnyCodec>>;

/** Where the results of a call go that waits. One of both is called, once. */
export interface ResultsSink<R> {
  done(results: R): void;
  failed(error: unknown): void;
}

/** Names the one method of LaterResults. */
export const begin = Symbol("begin");

/**
 * Results that come at some time, for calls that wait long: a promise, with what is chained to it up to the wire, holds
 * 1,000 bytes for as long as it waits.
 */
export interface LaterResults<R> {
  /** Called once the parameters have been let go. */
  [begin](sink: ResultsSink<R>): void;
}

type Results<R> = R | LaterResults<R>;

/** One function for each codec. C: what the functions work with besides their parameters. */
export type Handlers<Table extends Codecs, C> = {
  readonly [Name in keyof Table]: (
    params: ReturnType<Table[Name]["decodeParams"]>,
    context: C,
    call: IncomingCall,
  ) => Results<ReturnType<Table[Name]["decodeResults"]>> | Promise<Results<ReturnType<Table[Name]["decodeResults"]>>>;
};

type ServedMethod<C> = {
  /** The label of its metrics. */
  readonly label: string;
  /** Its name in traces. */
  readonly fullName: string;
  readonly codec: MethodCodec<object, object>;
  readonly handle: (params: object, context: C, call: IncomingCall) => Results<object> | Promise<Results<object>>;
};

/** An interface as it is served. */
export type InterfaceTable<C> = {
  readonly interfaceId: bigint;
  readonly name: string;
  readonly methods: ReadonlyMap<number, ServedMethod<C>>;
};

/** `labelOf`: names in metrics; by default `Interface.method`. */
export function interfaceTable<Table extends Codecs, C>(
  { id, name }: { readonly id: bigint; readonly name: string },
  codecs: Table,
  handlers: Handlers<Table, C>,
  labelOf: (method: string) => string = (method) => `${name}.${method}`,
): InterfaceTable<C> {
  const methods = new Map<number, ServedMethod<C>>();
  for (const [method, codec] of Object.entries(codecs)) {
    // a handler and its codec belong together by their name; TypeScript cannot follow that through the loop
    const handle = handlers[method] as unknown as ServedMethod<C>["handle"];
    const names = { label: labelOf(method), fullName: `qpq.${name}/${method}` };
    const row = { ...names, codec: codec as unknown as ServedMethod<C>["codec"], handle };
    methods.set(row.codec.method.ordinal, row);
  }
  return { interfaceId: id, name, methods };
}

export class InterfaceServer<C> implements CapabilityServer {
  readonly #parts: InterfaceParts;
  readonly #table: InterfaceTable<C>;
  readonly #context: C;
  readonly #onDispose: (() => void) | undefined;

  /** `onDispose`: nobody holds the capability any more. */
  constructor(parts: InterfaceParts, table: InterfaceTable<C>, context: C, onDispose?: () => void) {
    this.#parts = parts;
    this.#table = table;
    this.#context = context;
    this.#onDispose = onDispose;
  }

  dispose(): void {
    this.#onDispose?.();
  }

  dispatch(call: IncomingCall): void | typeof endsLater {
    const running = new RunningCall(this.#parts, call);
    let results: Results<object> | Promise<Results<object>>;
    try {
      const served = this.#methodOf(call);
      running.served = served;
      const params = served.codec.decodeParams(call.params(served.codec.method.params));
      const span = this.#parts.tracing?.call(served.fullName, (params as { trace?: TraceFields }).trace);
      running.span = span;
      if (span === undefined) results = served.handle(params, this.#context, call);
      else results = span.run(() => served.handle(params, this.#context, call));
    } catch (error) {
      throw running.failure(error);
    }
    if (results instanceof Promise) {
      call.releaseParams();
      results.then(
        (late) => running.take(late),
        (error: unknown) => running.failed(error),
      );
      return endsLater;
    }
    if (!isLater(results)) return running.succeed(results);
    call.releaseParams();
    results[begin](running);
    return endsLater;
  }

  /** E019 for another interface, or an ordinal that no row has. */
  #methodOf(call: IncomingCall): ServedMethod<C> {
    const { interfaceId, name, methods } = this.#table;
    if (call.interfaceId !== interfaceId) throw new QpqError("E019_UNKNOWN_METHOD", { text: `this is: ${name}` });
    const method = methods.get(call.methodOrdinal);
    if (method === undefined) throw new QpqError("E019_UNKNOWN_METHOD", { fields: { method: call.methodOrdinal } });
    return method;
  }
}

function isLater(results: Results<object>): results is LaterResults<object> {
  return begin in results;
}

/** One call from its arrival to its answer, of whatever interface. */
class RunningCall implements ResultsSink<object> {
  readonly #parts: InterfaceParts;
  readonly #call: IncomingCall;
  readonly #startedAtMs = performance.now();
  /** undefined: there is no such method. */
  served: Pick<ServedMethod<never>, "label" | "codec"> | undefined;
  /** undefined: it is not traced. */
  span: CallSpan | undefined;

  constructor(parts: InterfaceParts, call: IncomingCall) {
    this.#parts = parts;
    this.#call = call;
    parts.inFlight.begin();
  }

  take(results: Results<object>): void {
    if (isLater(results)) results[begin](this);
    else this.done(results);
  }

  done(results: object): void {
    try {
      this.succeed(results);
    } catch (told) {
      return this.#call.fail(told);
    }
    this.#call.complete();
  }

  failed(error: unknown): void {
    this.#call.fail(this.failure(error));
  }

  /** Throws what is told when the results cannot be written. */
  succeed(results: object): void {
    const { codec } = this.served as NonNullable<typeof this.served>;
    try {
      codec.encodeResults(results, this.#call.results(codec.method.results));
    } catch (error) {
      throw this.failure(error);
    }
    this.#end("ok");
  }

  /** What the caller is told. */
  failure(error: unknown): QpqError {
    const told = this.#errorToTell(error);
    let code: ErrorCode | "canceled" = told.code;
    this.#call.onFinished(({ returned }) => {
      // known at once when the caller left before the error: what it meets then is no failure of ours
      if (!returned) code = "canceled";
    });
    this.#end(code);
    return told;
  }

  get #label(): string {
    return this.served?.label ?? "unknown";
  }

  #end(code: ErrorCode | "ok" | "canceled"): void {
    this.#parts.inFlight.end();
    const seconds = (performance.now() - this.#startedAtMs) / 1_000;
    const { frameBytes: requestBytes } = this.#call;
    this.#parts.observer.callEnded({ method: this.#label, code, seconds, requestBytes, span: this.span?.ids });
    this.span?.end(code);
  }

  /** Foreign errors become E034_INTERNAL with a reference that stands in the log as well, and nothing else of them. */
  #errorToTell(error: unknown): QpqError {
    if (error instanceof QpqError) return error;
    if (error instanceof MessageError)
      return new QpqError("E001_BAD_REQUEST", { fields: { message: error.code }, cause: error });
    const reference = randomBytes(6).toString("hex");
    this.#parts.log.error({ event: "call_failed", method: this.#label, reference, error });
    return new QpqError("E034_INTERNAL", { fields: { reference }, cause: error });
  }
}

/** What the RPC layer sends for an error of ours. One of its own is told as it is: a call on an answer that failed. */
export function exceptionOf(error: unknown): RpcException {
  if (error instanceof RpcError) return { type: error.type, reason: error.reason };
  const told = error instanceof QpqError ? error : new QpqError("E034_INTERNAL");
  return { type: exceptionTypeOf[told.kind], reason: told.reason };
}
