/** NodeService, the bootstrap capability of an RPC session: early data, token and version, then the method's row (methods.ts). */
import { type InboxKey, mayRunEarly, methodCodecs, NodeService, protocolVersion, QpqError } from "quicproquo-proto";
import type { AbortListener, CapabilityServer, IncomingCall } from "quicproquo-rpc";
import type { AuthFields, Caller } from "../access/access.ts";
import { type AccessRule, requireAdmitted } from "../access/rules.ts";
import type { Fetched, LeaseBook } from "../delivery/lease-book.ts";
import type { Sender } from "../delivery/sender.ts";
import { type AddressFields, requireChannels } from "./channel-gate.ts";
import { type Handlers, InterfaceServer, interfaceTable } from "./interface-server.ts";
import { type CallContext, type Domains, type MethodName, type MethodRow, methods } from "./methods.ts";
import type { Peer } from "./origin.ts";
import type { CallParts, SessionScope } from "./scope.ts";
import { sessionServer } from "./session.ts";
import type { StoredMessage } from "../store/port.ts";

type Context = { readonly parts: CallParts; readonly scope: SessionScope };

export function nodeService(parts: CallParts, scope: SessionScope): CapabilityServer {
  return new InterfaceServer(parts, table, { parts, scope }, () => scope.leases.end());
}

type AnyParams = AddressFields & {
  readonly version?: number;
  readonly auth?: AuthFields;
  readonly idempotencyKey?: Uint8Array;
  readonly identityKey?: Uint8Array;
};

function handlerOf(name: MethodName): (params: AnyParams, context: Context, call: IncomingCall) => unknown {
  const row = methods[name] as MethodRow<MethodName>;
  const rule = row.access as AccessRule<Required<AnyParams>>;
  const handle = (params: AnyParams, { parts, scope }: Context, call: IncomingCall, caller?: Caller): unknown => {
    if (params.version !== undefined && params.version !== protocolVersion) {
      throw new QpqError("E002_VERSION", { fields: { version: params.version } });
    }
    const serve = (): unknown => row.handle(params as never, new NodeCall(parts, scope, call, caller));
    if (rule === "anybody") return serve();
    requireAdmitted(rule, caller as Caller, params);
    if (caller?.kind === "sealed" && scope.origin.hasOpenedSession) {
      throw new QpqError("E006_FORBIDDEN", {
        text: "who opens a Session says who it is; send sealed on another connection",
      });
    }
    if (row.confirmed === true) return parts.access.confirm(caller as Caller).then(serve);
    const channels = requireChannels(parts.domains.channels, caller as Caller, params);
    return channels === undefined ? serve() : channels.then(serve);
  };
  const run = (params: AnyParams, context: Context, call: IncomingCall): unknown => {
    if (rule === "anybody") return handle(params, context, call);
    const caller = context.parts.access.authenticate(
      params.auth as AuthFields,
      context.scope.origin,
      rule === "sender" ? params.recipientKey : undefined,
    );
    // no promise for a token that is known: most calls
    if (!(caller instanceof Promise)) return handle(params, context, call, caller);
    return caller.then((caller) => handle(params, context, call, caller));
  };
  return (params, context, call) => {
    const handshake = context.scope.earlyData.wait(mayRunEarly(name, params));
    return handshake === undefined ? run(params, context, call) : handshake.then(() => run(params, context, call));
  };
}

/** An object of a class: one a call, which a parked call keeps. */
class NodeCall implements CallContext {
  readonly #caller: Caller | undefined;
  readonly #parts: CallParts;
  readonly #scope: SessionScope;
  readonly #call: IncomingCall;

  constructor(parts: CallParts, scope: SessionScope, call: IncomingCall, caller: Caller | undefined) {
    this.#parts = parts;
    this.#scope = scope;
    this.#call = call;
    this.#caller = caller;
  }

  get caller(): Caller {
    if (this.#caller === undefined) throw new Error("nobody is known to call");
    return this.#caller;
  }

  get peer(): Peer {
    return this.#scope.origin.peer;
  }

  get sender(): Sender {
    return this.#scope.origin.senderOf(this.caller);
  }

  get domains(): Domains {
    return this.#parts.domains;
  }

  get leases(): LeaseBook {
    return this.#scope.leases;
  }

  get isGone(): boolean {
    return this.#call.isAborted;
  }

  onGone(listener: AbortListener): void {
    this.#call.onAborted(listener);
  }

  watchToken(onEnd: () => void): () => void {
    return this.#parts.access.watch(this.caller, onEnd);
  }

  onTaken(fetched: Pick<Fetched, "taken" | "dropped">): void {
    this.#call.onFinished(({ returned, releaseResultCaps }) => {
      if (returned && !releaseResultCaps) fetched.taken();
      else fetched.dropped();
    });
  }

  onDelivered(inbox: InboxKey, messages: readonly StoredMessage[]): void {
    const { observer, tracing } = this.#parts;
    observer.messagesDelivered(messages.length);
    tracing?.delivery(inbox, messages)?.end("ok");
  }

  openSession(): CapabilityServer {
    this.#scope.origin.hasOpenedSession = true;
    return sessionServer(this.#parts, this.#scope, this.caller);
  }
}

const handlers = Object.fromEntries(
  Object.keys(methods).map((name) => [name, handlerOf(name as MethodName)]),
) as unknown as Handlers<typeof methodCodecs, Context>;

const table = interfaceTable(NodeService, methodCodecs, handlers, (method) => method);
