/**
 * A CapabilityServer made of methods: finds the handler by interface and ordinal, and answers `unimplemented` for what
 * it does not have. An object with several interfaces, or with inherited ones, has the methods of all of them.
 */
import type { Method } from "./message/index.ts";
import { RpcError } from "./rpc-error.ts";
import type { CapabilityServer, IncomingCall } from "./served-call.ts";

type Handler = (call: IncomingCall) => void | Promise<void>;

export class MethodTable implements CapabilityServer {
  readonly #interfaces = new Map<bigint, (Handler | undefined)[]>();
  readonly #onDispose: (() => void) | undefined;

  constructor(options: { readonly onDispose?: () => void } = {}) {
    this.#onDispose = options.onDispose;
  }

  /** A handler with its parameters read and its results begun. */
  method<PR, PB, RR, RB>(
    method: Method<PR, PB, RR, RB>,
    handle: (params: PR, results: RB, call: IncomingCall) => void | Promise<void>,
  ): this {
    return this.raw(method, (call) => handle(call.params(method.params), call.results(method.results), call));
  }

  /** A handler that decides itself what it reads and when it begins its results. */
  raw(method: { readonly interfaceId: bigint; readonly ordinal: number }, handle: Handler): this {
    let handlers = this.#interfaces.get(method.interfaceId);
    if (handlers === undefined) this.#interfaces.set(method.interfaceId, (handlers = []));
    if (handlers[method.ordinal] !== undefined) throw new RangeError(`method ${method.ordinal} is there already`);
    handlers[method.ordinal] = handle;
    return this;
  }

  dispatch(call: IncomingCall): void | Promise<void> {
    const handle = this.#interfaces.get(call.interfaceId)?.[call.methodOrdinal];
    if (handle === undefined) {
      const name = `${call.interfaceId.toString(16)}.${call.methodOrdinal}`;
      throw new RpcError("unimplemented", `method ${name} is not implemented here`);
    }
    return handle(call);
  }

  dispose(): void {
    this.#onDispose?.();
  }
}
