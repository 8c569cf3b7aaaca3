/**
 * Runs one row of the method table: decode, version, token, handler, encode. The one try/catch between a handler and
 * the wire, and the one observation of a call.
 */
import { randomBytes } from "node:crypto";
import {
  type ErrorCode,
  exceptionTypeOf,
  type MethodCodec,
  methodCodecs,
  NodeService,
  protocolVersion,
  QpqError,
} from "quicproquo-proto";
import type { CapabilityServer, IncomingCall, RpcException } from "quicproquo-rpc";
import { MessageError } from "quicproquo-rpc/message";
import type { Caller, StaticToken } from "../access/static-token.ts";
import type { LeaseBook } from "../delivery/lease-book.ts";
import type { Log } from "../observe/log.ts";
import type { Observer } from "../observe/observer.ts";
import type { InFlight } from "./in-flight.ts";
import { type CallContext, type MethodName, type MethodRow, methodNameOf, methods } from "./methods.ts";

export type CallParts = {
  readonly domains: CallContext["domains"];
  readonly access: StaticToken;
  readonly observer: Observer;
  readonly log: Log;
  readonly inFlight: InFlight;
};

const nobody: Caller = { sender: new Uint8Array(32) };

/** The bootstrap capability of one RPC session. */
export class NodeServiceServer implements CapabilityServer {
  readonly #parts: CallParts;
  readonly #leases: LeaseBook;

  constructor(parts: CallParts, leases: LeaseBook) {
    this.#parts = parts;
    this.#leases = leases;
  }

  /** Called once, when the session has ended. */
  dispose(): void {
    this.#leases.end();
  }

  async dispatch(call: IncomingCall): Promise<void> {
    const startedAtMs = performance.now();
    this.#parts.inFlight.begin();
    let method: MethodName | "unknown" = "unknown";
    let code: ErrorCode | "ok" | "canceled" = "ok";
    try {
      if (call.interfaceId !== NodeService.id)
        throw new QpqError("E019_UNKNOWN_METHOD", { text: "this is a NodeService" });
      method = methodNameOf(call.methodOrdinal);
      await this.#run(method, call);
    } catch (error) {
      const told = this.#errorToTell(error, method);
      code = told.code;
      call.onFinished(({ returned }) => {
        // known at once when the caller left before the error: what it meets then is no failure of ours
        if (!returned) code = "canceled";
      });
      throw told;
    } finally {
      this.#parts.inFlight.end();
      const seconds = (performance.now() - startedAtMs) / 1_000;
      this.#parts.observer.callEnded({ method, code, seconds, requestBytes: call.frameBytes });
    }
  }

  async #run(name: MethodName, call: IncomingCall): Promise<void> {
    // one row and one codec of the same name belong together; TypeScript cannot follow that through an index
    const row = methods[name] as MethodRow<MethodName>;
    const codec = methodCodecs[name] as unknown as MethodCodec<object, object>;
    const params = codec.decodeParams(call.params(codec.method.params)) as { version?: number; auth?: AuthParameter };
    const caller = row.auth === "none" ? nobody : this.#parts.access.authenticate(params.auth as AuthParameter);
    if (params.version !== undefined && params.version !== protocolVersion) {
      throw new QpqError("E002_VERSION", { fields: { version: params.version } });
    }
    const context: CallContext = {
      caller,
      domains: this.#parts.domains,
      leases: this.#leases,
      get signal() {
        return call.signal;
      },
      onTaken: (fetched) => {
        call.onFinished(({ returned, releaseResultCaps }) => {
          if (returned && !releaseResultCaps) fetched.taken();
          else fetched.dropped();
        });
      },
    };
    const results = await row.handle(params as never, context);
    codec.encodeResults(results, call.results(codec.method.results));
    if ("payloads" in results) this.#parts.observer.messagesDelivered(results.payloads.length);
  }

  /** Foreign errors become E034_INTERNAL with a reference that stands in the log as well, and nothing else of them. */
  #errorToTell(error: unknown, method: string): QpqError {
    if (error instanceof QpqError) return error;
    if (error instanceof MessageError)
      return new QpqError("E001_BAD_REQUEST", { fields: { message: error.code }, cause: error });
    const reference = randomBytes(6).toString("hex");
    this.#parts.log.error({ event: "call_failed", method, reference, error });
    return new QpqError("E034_INTERNAL", { fields: { reference }, cause: error });
  }
}

type AuthParameter = { readonly version: number; readonly accessToken: Uint8Array };

/** What the RPC layer sends for an error of ours. */
export function exceptionOf(error: unknown): RpcException {
  const told = error instanceof QpqError ? error : new QpqError("E034_INTERNAL");
  return { type: exceptionTypeOf[told.kind], reason: told.reason };
}
