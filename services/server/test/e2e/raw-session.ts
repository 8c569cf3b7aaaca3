/** Session, Inbox and Sink as a test drives them: everything is called at once on promised capabilities, nothing retried. */
import {
  type EnvelopeFields,
  type GapFields,
  inboxCodecs,
  type MethodCodec,
  methodCodecs,
  type OutgoingFields,
  protocolVersion,
  QpqError,
  sessionCodecs,
  sinkCodecs,
  type TraceFields,
} from "quicproquo-proto";
import { type Answer, type Capability, MethodTable, RpcError } from "quicproquo-rpc";
import { tokenBytes } from "./raw-client.ts";

const trace = { traceHi: 0n, traceLo: 0n, spanId: 0n, flags: 0 };
const empty = new Uint8Array();

export type Push = { readonly envelopes: readonly EnvelopeFields[]; readonly gap: GapFields };

/** The reader's side: keeps what comes, and takes it at once unless `hold` says otherwise. */
export class TestSink {
  readonly pushes: Push[] = [];
  readonly untaken: (() => void)[] = [];
  ended: QpqError | undefined;
  hold = false;
  /** The subscription: what nobody holds is released when it is collected. */
  subscription: Answer<unknown> | undefined;
  isReleased = false;
  #onChange: (() => void) | undefined;

  readonly server = new MethodTable({
    onDispose: () => {
      this.isReleased = true;
      this.#onChange?.();
    },
  })
    .method(sinkCodecs.deliver.method, async (params) => {
      const { envelopes, gap } = sinkCodecs.deliver.decodeParams(params);
      this.pushes.push({ envelopes, gap });
      this.#onChange?.();
      if (this.hold) await new Promise<void>((resolve) => this.untaken.push(resolve));
    })
    .method(sinkCodecs.end.method, (params) => {
      const { reason, retryAfterMs } = sinkCodecs.end.decodeParams(params);
      this.ended = QpqError.fromReason(reason);
      if (retryAfterMs !== (this.ended?.retryAfterMs ?? 0)) throw new Error("two different times to wait");
      this.#onChange?.();
    });

  get isEnded(): boolean {
    return this.ended !== undefined;
  }

  get seqs(): number[] {
    return this.pushes.flatMap(({ envelopes }) => envelopes.map(({ seq }) => Number(seq)));
  }

  get bytes(): number {
    return this.pushes.flatMap(({ envelopes }) => envelopes).reduce((sum, { data }) => sum + data.length, 0);
  }

  takeOne(): void {
    this.untaken.shift()?.();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
  }
}

type Query = { after: bigint; storeEpoch: bigint; window: number; windowBytes: number };

export class RawSession implements Disposable {
  readonly opened: Answer<unknown>;
  readonly capability: Capability;

  /** `token`: a session token in its bytes, the static one as text. */
  constructor(service: Capability, token: string | Uint8Array) {
    const { openSession } = methodCodecs;
    const auth = { version: protocolVersion, accessToken: tokenBytes(token), deviceId: empty };
    const opened = service.call(openSession.method, (builder) => openSession.encodeParams({ auth }, builder));
    this.opened = opened;
    this.capability = opened.pipeline(0);
  }

  async send(
    entries: readonly (Pick<OutgoingFields, "recipientKey" | "payload"> & Partial<OutgoingFields>)[],
    traceOfCaller: TraceFields = trace,
  ) {
    const whole = entries.map((entry) => ({ channelId: empty, idempotencyKey: empty, ttlSecs: 0, ...entry }));
    const { seqs } = await called(this.capability, sessionCodecs.send, { entries: whole, trace: traceOfCaller });
    return seqs;
  }

  inbox(recipientKey: Uint8Array, channelId: Uint8Array = empty): RawInbox {
    const { inbox } = sessionCodecs;
    const params = { recipientKey, channelId, trace };
    return new RawInbox(this.capability.call(inbox.method, (builder) => inbox.encodeParams(params, builder)));
  }

  [Symbol.dispose](): void {
    this.capability[Symbol.dispose]();
    this.opened[Symbol.dispose]();
  }
}

export class RawInbox {
  readonly answer: Answer<unknown>;
  readonly capability: Capability;

  constructor(answer: Answer<unknown>) {
    this.answer = answer;
    this.capability = answer.pipeline(0);
  }

  /** The answer is the subscription: dispose it to end it. */
  subscribe(sink: TestSink | undefined, query: Partial<Query> = {}): Answer<unknown> {
    const { subscribe } = inboxCodecs;
    const params = { sink: sink?.server, after: 0n, storeEpoch: 0n, window: 0, windowBytes: 0, trace, ...query };
    const answer = this.capability.call(subscribe.method, (builder) => subscribe.encodeParams(params, builder));
    if (sink !== undefined) sink.subscription = answer;
    return answer;
  }

  async ack(seqUpTo: bigint, storeEpoch = 0n): Promise<void> {
    await called(this.capability, inboxCodecs.ack, { seqUpTo, storeEpoch, trace });
  }
}

/** Decoded results, or the server's QpqError. */
async function called<P, R, PR, PB, RR, RB>(
  capability: Capability,
  codec: MethodCodec<P, R, PR, PB, RR, RB>,
  params: P,
): Promise<R> {
  return await told(async () =>
    codec.decodeResults(await capability.call(codec.method, (builder) => codec.encodeParams(params, builder))),
  );
}

export async function told<T>(call: () => PromiseLike<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RpcError) throw QpqError.fromReason(error.reason) ?? error;
    throw error;
  }
}
