/**
 * The capabilities behind openSession (docs/wire.md, Session): Session, Inbox, Subscription. They act for the token that
 * opened them until it expires; each can be called before the call that makes it has been answered.
 */
import {
  Inbox,
  inboxCodecs,
  type InboxKey,
  parseIdentityKey,
  QpqError,
  Session,
  sessionCodecs,
  sinkCodecs,
  Subscription as SubscriptionInterface,
} from "quicproquo-proto";
import { Capability, type CapabilityServer, RpcError } from "quicproquo-rpc";
import type { Caller } from "../access/access.ts";
import { requireOwn } from "../access/rules.ts";
import type { Sink, Subscription } from "../delivery/subscription.ts";
import type { Span } from "../observe/tracing.ts";
import type { ReadAnswer } from "../store/port.ts";
import { answerOf, inboxOf, letterOf } from "./answers.ts";
import { requireChannels } from "./channel-gate.ts";
import { type InterfaceTable, InterfaceServer, interfaceTable } from "./interface-server.ts";
import type { CallParts, SessionScope } from "./scope.ts";

export function sessionServer(parts: CallParts, scope: SessionScope, caller: Caller): CapabilityServer {
  const session = new OpenSession(parts, scope, caller);
  return new InterfaceServer(parts, sessionTable, session, () => session.release());
}

/** setTimeout counts in 32 bits. */
const timeoutMsMax = 2 ** 31 - 1;

/** One opened Session and what came out of it: its token is watched for as long as somebody holds any of them. */
class OpenSession {
  readonly parts: CallParts;
  readonly scope: SessionScope;
  readonly #caller: Caller;
  readonly #subscriptions = new Set<Subscription>();
  readonly #stopWatch: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The Session, its Inboxes, its subscriptions. */
  #holders = 1;
  #isOver = false;

  constructor(parts: CallParts, scope: SessionScope, caller: Caller) {
    this.parts = parts;
    this.scope = scope;
    this.#caller = caller;
    this.#stopWatch = parts.access.watch(caller, () => this.#end());
    this.#watchExpiry();
  }

  /** Of one call. E005_SESSION_EXPIRED, E018_RATE_LIMIT. */
  requireCaller(): Caller {
    const { expiresAtMs } = this.#caller;
    const isExpired = expiresAtMs !== undefined && this.parts.clock() >= expiresAtMs;
    if (this.#isOver || isExpired) throw new QpqError("E005_SESSION_EXPIRED");
    this.parts.access.countSessionCall(this.#caller);
    return this.#caller;
  }

  add(subscription: Subscription): void {
    this.#subscriptions.add(subscription);
    this.hold();
  }

  remove(subscription: Subscription): void {
    if (this.#subscriptions.delete(subscription)) this.release();
  }

  hold(): void {
    this.#holders++;
  }

  release(): void {
    this.#holders--;
    if (this.#holders === 0) this.#stop();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#stopWatch();
  }

  #watchExpiry(): void {
    const { expiresAtMs } = this.#caller;
    if (expiresAtMs === undefined) return;
    const leftMs = expiresAtMs - this.parts.clock();
    if (leftMs <= 0) this.#end();
    else this.#timer = setTimeout(() => this.#watchExpiry(), Math.min(leftMs, timeoutMsMax));
  }

  #end(): void {
    this.#isOver = true;
    this.#stop();
    for (const subscription of this.#subscriptions) subscription.end(new QpqError("E005_SESSION_EXPIRED"));
  }
}

type OpenInbox = { readonly session: OpenSession; readonly key: InboxKey };

const sessionTable = interfaceTable(Session, sessionCodecs, {
  inbox(params, session: OpenSession) {
    const caller = session.requireCaller();
    requireOwn(caller, params.recipientKey);
    const inbox = { session, key: inboxOf(params) };
    const open = () => {
      session.hold();
      return { inbox: new InterfaceServer(session.parts, inboxTable, inbox, () => session.release()) };
    };
    const checked = requireChannels(session.parts.domains.channels, caller, params);
    return checked === undefined ? open() : checked.then(open);
  },
  async send(params, session: OpenSession) {
    const caller = session.requireCaller();
    const checked = requireChannels(session.parts.domains.channels, caller, params);
    if (checked !== undefined) await checked;
    const sender = session.scope.origin.senderOf(caller);
    const letters = params.entries.map((entry) => ({
      recipientKey: parseIdentityKey(entry.recipientKey),
      letter: letterOf(entry, sender),
    }));
    return { seqs: await session.parts.domains.delivery.send(sender, letters) };
  },
});

const inboxTable: InterfaceTable<OpenInbox> = interfaceTable(Inbox, inboxCodecs, {
  subscribe(params, { session, key }: OpenInbox) {
    session.requireCaller();
    if (!(params.sink instanceof Capability)) throw new QpqError("E001_BAD_REQUEST", { text: "a sink is required" });
    const { parts, scope } = session;
    const sink = new RemoteSink(params.sink.dup(), session, key);
    let subscription: Subscription;
    try {
      subscription = parts.domains.subscriptions.open({ ...params, inbox: key }, sink, scope.pushBudget);
    } catch (error) {
      sink.end(undefined);
      throw error;
    }
    sink.onEnd = () => session.remove(subscription);
    session.add(subscription);
    return { subscription: new InterfaceServer(parts, subscriptionTable, undefined, () => subscription.end()) };
  },
  async ack(params, { session, key }: OpenInbox) {
    session.requireCaller();
    await session.parts.domains.delivery.ack(key, params.seqUpTo, params.storeEpoch);
    return {};
  },
});

/** No methods: it lives as long as it is held. */
const subscriptionTable = interfaceTable(SubscriptionInterface, {}, {});

/** The reader's Sink, on the other side of the connection. */
class RemoteSink implements Sink {
  readonly #capability: Capability;
  readonly #session: OpenSession;
  readonly #inbox: InboxKey;
  onEnd: (() => void) | undefined;

  constructor(capability: Capability, session: OpenSession, inbox: InboxKey) {
    this.#capability = capability;
    this.#session = session;
    this.#inbox = inbox;
  }

  async deliver(answer: ReadAnswer): Promise<void> {
    const { payloads, gap } = answerOf(answer);
    const { deliver } = sinkCodecs;
    const push = { envelopes: payloads, gap };
    const { observer, tracing } = this.#session.parts;
    const span = tracing?.delivery(this.#inbox, answer.messages);
    // disposed: capabilities that a reader puts into its answer must not live until they are collected
    using taken = this.#capability.call(deliver.method, (builder) => deliver.encodeParams(push, builder));
    if (span === undefined) await taken;
    else await this.#traced(taken, span);
    observer.messagesDelivered(payloads.length);
  }

  end(reason: QpqError | undefined): void {
    this.onEnd?.();
    if (reason !== undefined) this.#tell(reason);
    this.#capability[Symbol.dispose]();
  }

  /** Resolves when the push was taken. */
  async #traced(taken: PromiseLike<unknown>, span: Span): Promise<void> {
    try {
      await taken;
      span.end("ok");
    } catch (error) {
      span.end("E063_SINK_FAILED");
      throw error;
    }
  }

  #tell({ reason, retryAfterMs = 0 }: QpqError): void {
    const { end } = sinkCodecs;
    const told = this.#capability.call(end.method, (builder) => end.encodeParams({ reason, retryAfterMs }, builder));
    told.then(
      () => told[Symbol.dispose](),
      (error: unknown) => {
        // it never left: a reader that isn't told would wait for ever
        if (error instanceof RpcError && error.type === "overloaded") this.#session.scope.abandon();
      },
    );
  }
}
