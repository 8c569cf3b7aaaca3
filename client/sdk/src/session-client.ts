/**
 * A Session of one connection (docs/wire.md, Session): calls without a token, and inboxes that push.
 *
 * Nothing waits for the call before it: `openSession().inbox(key).subscribe(...)` travels in one flight, and the first
 * message comes one round trip later. Everything here ends with the connection; a reader is told by `end`.
 */
import {
  type EnvelopeFields,
  type GapFields,
  inboxCodecs,
  methodCodecs,
  type OutgoingFields,
  protocolVersion,
  QpqError,
  sessionCodecs,
  sinkCodecs,
} from "quicproquo-proto";
import { type Answer, type Capability, MethodTable } from "quicproquo-rpc";
import { type TraceContext, traceFieldsOf } from "./trace-context.ts";
import { type CallOptions, errorOf, typedCall } from "./typed-call.ts";

/** `trace`: what the call is part of. */
type SessionCallOptions = CallOptions & { readonly trace?: TraceContext };

const none = new Uint8Array();

export type OutgoingMessage = {
  readonly recipientKey: Uint8Array;
  readonly payload: Uint8Array;
  /** 16 bytes; none = a repeat stores it again. */
  readonly idempotencyKey?: Uint8Array;
  /** Empty = the default inbox. */
  readonly channelId?: Uint8Array;
  /** 0 = the server's message life. */
  readonly ttlSecs?: number;
};

export class SessionClient implements Disposable {
  readonly #opened: Answer<unknown>;
  readonly #expiresAtMs: Promise<number>;
  readonly #session: Capability;

  /** Internal: see NodeClient.openSession. */
  constructor(service: Capability, accessToken: Uint8Array) {
    const { openSession } = methodCodecs;
    const auth = { version: protocolVersion, accessToken, deviceId: none };
    const opened = service.call(openSession.method, (builder) => openSession.encodeParams({ auth }, builder));
    this.#opened = opened;
    this.#session = opened.pipeline(0);
    this.#expiresAtMs = (async () => {
      try {
        return Number(openSession.decodeResults(await opened).expiresAtMs) || Number.POSITIVE_INFINITY;
      } catch (error) {
        throw errorOf(error);
      }
    })();
    this.#expiresAtMs.catch(() => undefined); // who wants to know awaits expiresAtMs
  }

  /** ms since the Unix epoch; Infinity = never. Rejects when the server refused the token. */
  get expiresAtMs(): Promise<number> {
    return this.#expiresAtMs;
  }

  /** Durable in each inbox whose seq is not 0; those are full. In one transaction, in this order. */
  async send(messages: readonly OutgoingMessage[], options: SessionCallOptions = {}): Promise<readonly bigint[]> {
    const entries = messages.map((message): OutgoingFields => {
      return { channelId: none, idempotencyKey: none, ttlSecs: 0, ...message };
    });
    const trace = traceFieldsOf(options.trace);
    const { seqs } = await typedCall(this.#session, sessionCodecs.send, { entries, trace }, options);
    return seqs;
  }

  inbox(recipientKey: Uint8Array, channelId: Uint8Array = none): InboxClient {
    const { inbox } = sessionCodecs;
    const params = { recipientKey, channelId, trace: traceFieldsOf(undefined) };
    return new InboxClient(this.#session.call(inbox.method, (builder) => inbox.encodeParams(params, builder)));
  }

  /** Subscriptions live on. */
  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]();
    this.#opened[Symbol.dispose]();
  }
}

export type SubscribeOptions = {
  /** Push what stands behind this seq; 0 = from the beginning. */
  readonly after: bigint;
  /** The epoch `after` was learnt in; 0 = unknown. */
  readonly storeEpoch: bigint;
  /** Messages, and payload bytes, that the server sends ahead of what `deliver` has returned for; 0 = its limits. */
  readonly window?: number;
  readonly windowBytes?: number;
};

/** Who reads a subscription. */
export type SubscriptionReader = {
  /**
   * In the order of the inbox. The first call comes in any case and says in `gap` where the inbox stands. Until it has
   * returned its messages count as unacknowledged; what it throws ends the subscription. Data are views into the frame.
   */
  deliver(envelopes: readonly EnvelopeFields[], gap: GapFields): void | Promise<void>;
  /** Once, unless the reader ended it: E062_SUBSCRIPTION_REPLACED, E005_SESSION_EXPIRED, E042_CONNECTION_LOST ... */
  end(error: QpqError): void;
};

export class InboxClient implements Disposable {
  readonly #opened: Answer<unknown>;
  readonly #inbox: Capability;

  /** Internal: see SessionClient.inbox. */
  constructor(opened: Answer<unknown>) {
    this.#opened = opened;
    this.#inbox = opened.pipeline(0);
  }

  /** Removes nothing. Lives until it is disposed of, the server ends it or the connection is lost. */
  subscribe(options: SubscribeOptions, reader: SubscriptionReader): SubscriptionClient {
    return new SubscriptionClient(this.#inbox, options, reader);
  }

  /** Removes up to and including seqUpTo, durably; repeating it changes nothing. */
  async ack(seqUpTo: bigint, storeEpoch: bigint, options: SessionCallOptions = {}): Promise<void> {
    const trace = traceFieldsOf(options.trace);
    await typedCall(this.#inbox, inboxCodecs.ack, { seqUpTo, storeEpoch, trace }, options);
  }

  [Symbol.dispose](): void {
    this.#inbox[Symbol.dispose]();
    this.#opened[Symbol.dispose]();
  }
}

export class SubscriptionClient implements Disposable {
  readonly #answer: Answer<unknown>;
  readonly #reader: SubscriptionReader;
  #isOver = false;

  /** Internal: see InboxClient.subscribe. */
  constructor(inbox: Capability, options: SubscribeOptions, reader: SubscriptionReader) {
    const { subscribe } = inboxCodecs;
    const { deliver, end } = sinkCodecs;
    this.#reader = reader;
    // the server let go of the sink: when it refused to subscribe, that refusal is the reason
    const lost = (): void => {
      const tell = (): void => this.#end(new QpqError("E042_CONNECTION_LOST"));
      this.#answer.then(tell, () => undefined);
    };
    const sink = new MethodTable({ onDispose: lost })
      .method(deliver.method, async (params) => {
        if (this.#isOver) return;
        const { envelopes, gap } = deliver.decodeParams(params);
        await reader.deliver(envelopes, gap);
      })
      .method(end.method, (params) => {
        const { reason } = end.decodeParams(params);
        this.#end(QpqError.fromReason(reason) ?? new QpqError("E042_CONNECTION_LOST", { text: reason }));
      });
    const params = { window: 0, windowBytes: 0, ...options, sink, trace: traceFieldsOf(undefined) };
    this.#answer = inbox.call(subscribe.method, (builder) => subscribe.encodeParams(params, builder));
    this.#answer.then(undefined, (error: unknown) => {
      const told = errorOf(error);
      this.#end(told instanceof QpqError ? told : new QpqError("E034_INTERNAL", { cause: error }));
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nothing is delivered after it, and `end` is not called. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#answer[Symbol.dispose]();
  }

  #end(error: QpqError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reader.end(error);
  }
}
