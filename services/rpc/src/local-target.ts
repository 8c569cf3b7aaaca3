/**
 * Objects of this process: LocalTarget counts the references to a CapabilityServer, LocalCall is a call to one that does
 * not leave the process. Both stand in one file because each makes the other.
 *
 * Parameters and results of a local call go through messages like any other's: a caller and a server that share a
 * process see what they would see over a network, copies and limits included.
 */
import { CallResults, type HeldCapabilities } from "./call-results.ts";
import { Capability } from "./capability.ts";
import { MessageReader, type StructReader } from "./message/index.ts";
import { type PayloadMessage, startCall, startReturn } from "./outgoing-messages.ts";
import { type CallRoute, PendingCall } from "./pending-call.ts";
import { QueueTarget, type RecordedCall } from "./queue-target.ts";
import { payloadAt, returnAt } from "./rpc-layout.ts";
import { RpcError } from "./rpc-error.ts";
import { defaultRpcLimits } from "./rpc-limits.ts";
import { type CallSink, type CapabilityServer, ServedCall } from "./served-call.ts";
import type { CallMethod, CallOptions, CallParams, PromisedTarget, Target } from "./target.ts";

/** A capability of an object of this process, to be passed in a message or called. Yours to dispose. */
export function serve(server: CapabilityServer): Capability {
  return new Capability(targetOfServer(server));
}

/** What an entry of a message's capability table leads to; undefined is null. Throws TypeError for anything else. */
export function targetOf(entry: unknown): Target | undefined {
  if (entry === undefined) return undefined;
  if (entry instanceof Capability) return Capability.targetOf(entry).resolved();
  if (isServer(entry)) return targetOfServer(entry);
  throw new TypeError("a capability field takes a Capability or a CapabilityServer");
}

/** Handles of their own for the entries of a built message's capability table. */
function handlesOf(entries: readonly unknown[]): HeldCapabilities {
  return entries.map((entry) => {
    const target = targetOf(entry);
    return target === undefined ? undefined : new Capability(target);
  });
}

/** Servers that were put into a message which is not sent: those that nobody ever had are disposed. */
export function releaseUnsent(entries: readonly unknown[]): void {
  for (const entry of entries) if (isServer(entry)) targetOfServer(entry).releaseUnsent();
}

export class LocalTarget implements Target {
  readonly #server: CapabilityServer;
  #references = 0;
  #wasRetained = false;
  #report: ((error: unknown) => void) | undefined;

  constructor(server: CapabilityServer) {
    this.#server = server;
  }

  call(method: CallMethod, params: CallParams, options: CallOptions): PendingCall {
    const { pending, served } = recordCall(method, params, options);
    if (served !== undefined) {
      this.retain();
      // Not at once: a caller does not expect the other's code to run before `call` comes back.
      queueMicrotask(() => {
        this.deliver(served);
        this.release();
      });
    }
    return pending;
  }

  deliver(call: ServedCall): void {
    this.retain(); // given back when the handler ends
    call.run(this.#server, this);
  }

  retain(): void {
    this.#references++;
    this.#wasRetained = true;
  }

  /** Not twice: what was exported on the way to a message that was not sent has been released already. */
  releaseUnsent(): void {
    if (this.#wasRetained) return;
    this.retain();
    this.release();
  }

  release(): void {
    if (--this.#references > 0) return;
    try {
      this.#server.dispose?.();
    } catch (error) {
      this.#report?.(error);
    }
  }

  /** Who is told what the server's `dispose` throws. The first one stays. */
  reportTo(report: (error: unknown) => void): void {
    this.#report ??= report;
  }

  resolved(): Target {
    return this;
  }
}

/** One target a server, however often it is passed: the peer then sees one capability. */
const targets = new WeakMap<CapabilityServer, LocalTarget>();

function targetOfServer(server: CapabilityServer): LocalTarget {
  const known = targets.get(server);
  if (known !== undefined) return known;
  const target = new LocalTarget(server);
  targets.set(server, target);
  return target;
}

function isServer(entry: unknown): entry is CapabilityServer {
  return typeof entry === "object" && entry !== null && "dispatch" in entry && typeof entry.dispatch === "function";
}

/** The messages and the two ends of a call within the process. */
class LocalCall implements CallRoute, CallSink {
  readonly pending: PendingCall = new PendingCall(this);
  served: ServedCall | undefined;
  readonly #options: CallOptions;

  constructor(options: CallOptions) {
    this.#options = options;
  }

  cancel(): void {
    this.served?.finish({ returned: false, releaseResultCaps: true });
    this.served?.abort(new RpcError("failed", "the call was canceled"));
  }

  finish(): void {
    this.served?.finish({ returned: true, releaseResultCaps: false });
  }

  pipeline(): PromisedTarget {
    return new QueueTarget({ budget: { usedCalls: 0, callsMax: defaultRpcLimits.queuedCallsMax }, record: recordCall });
  }

  returned(results: PayloadMessage | undefined): void {
    const message = results ?? startReturn(0, messageBytesMax);
    try {
      this.pending.returned(resultsOf(message));
    } catch (error) {
      return this.failed(error, message.builder.capTable); // nested too deep to be read, or not a capability
    }
    if (!this.#options.holdFinish) this.finish();
  }

  failed(error: unknown, unsent: readonly unknown[]): void {
    releaseUnsent(unsent);
    this.pending.fail(error);
    this.finish();
  }
}

/** Makes the message of a call and its two ends; `served` is still to be delivered somewhere. */
export function recordCall(method: CallMethod, params: CallParams, options: CallOptions): RecordedCall {
  const local = new LocalCall(options);
  const header = { ...toNobody, interfaceId: method.interfaceId, methodId: method.ordinal };
  const message = startCall(header, messageBytesMax);
  try {
    writeParams(message, method, params);
    const { body, capabilities } = readOwn(message);
    const frameBytes = message.builder.byteLength;
    local.served = new ServedCall({ call: body, frameBytes, capabilities, answerId: 0, messageBytesMax, sink: local });
  } catch (error) {
    local.failed(error, message.builder.capTable);
  }
  return { pending: local.pending, served: local.served };
}

export function writeParams(message: PayloadMessage, method: CallMethod, params: CallParams): void {
  const content = message.payload.getPointer(payloadAt.content);
  if (typeof params !== "function") return content.copyFrom(params);
  if (method.params === undefined) throw new TypeError("parameters of unknown type cannot be filled");
  params(content.initStruct(method.params) as never); // Capability.call has checked that the two belong together
}

/**
 * A Return of this process, read by this process, with references of its own to the capabilities in it. Throws
 * MessageError when it is nested too deep and TypeError when a capability field has something else.
 */
export function resultsOf(message: PayloadMessage): CallResults {
  const { body, capabilities } = readOwn(message);
  return new CallResults(body.getStruct(returnAt.body).getPointer(payloadAt.content), capabilities);
}

/** The Call or Return struct of a message built here. */
function readOwn(message: PayloadMessage): { body: StructReader; capabilities: HeldCapabilities } {
  const reader = MessageReader.parse(message.builder.toFrame(), ownMessage);
  const capabilities = handlesOf(message.builder.capTable);
  reader.capTable = capabilities;
  return { body: reader.rootStruct.getStruct(0), capabilities };
}

const toNobody = { questionId: 0, to: { importId: 0 } };
const { messageBytesMax } = defaultRpcLimits;
/** Its size was bounded when it was built. */
const ownMessage = { ...defaultRpcLimits, messageBytesMax: Number.MAX_SAFE_INTEGER };
