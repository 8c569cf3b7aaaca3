/**
 * Messages sent and received over one RPC session: sent with idempotency keys on a stream of calls, every tenth twice as
 * by a client that got no answer in time, and received by a subscription at the same time.
 */
import { createHash } from "node:crypto";
import { RawClient, type RawOptions, type ServerKeys } from "../e2e/raw-client.ts";
import { RawSession, TestSink } from "../e2e/raw-session.ts";

export type ExchangeOrder = {
  readonly server: ServerKeys;
  readonly options: RawOptions;
  readonly recipientKey: Uint8Array;
  /** At least so many; half of them before `halfway` is called, half of them after it has resolved. */
  readonly messages: number;
};

export type ExchangeReport = {
  readonly sent: number;
  /** Numbers of the messages in the order the subscription brought them. */
  readonly received: readonly number[];
  readonly seqs: readonly number[];
  /** Messages whose second sending was answered with another seq than the first. */
  readonly storedTwice: number;
  /** QUIC packets that this end found lost. */
  readonly packetsLost: number;
};

// calls under way at a time: enough that the network's delay isn't waited for after each, below every limit
const inFlightMax = 32;
const repeatEvery = 10;

/** Rejects when the connection is lost, a call fails or the sink is ended. */
export async function exchange(order: ExchangeOrder, halfway: () => Promise<void>): Promise<ExchangeReport> {
  using client = await RawClient.connect(order.server, order.options);
  using session = new RawSession(client.service, order.server.token);
  const sink = new TestSink();
  session.inbox(order.recipientKey).subscribe(sink);
  const sender = new Sender(client, order.recipientKey);
  while (sender.sent < order.messages / 2) await sender.send();
  let isPast = false;
  const past = halfway().then(() => {
    isPast = true;
  });
  // what changes in the network at halftime meets traffic
  while (!isPast) await sender.send();
  await past;
  for (let i = 0; i < order.messages / 2; i++) await sender.send();
  await sender.answered();
  await sink.until(() => sink.isEnded || sink.isReleased || sink.seqs.length >= sender.sent);
  if (sink.ended !== undefined) throw sink.ended;
  const envelopes = sink.pushes.flatMap((push) => push.envelopes);
  return {
    sent: sender.sent,
    received: envelopes.map(({ data }) => Buffer.from(data).readUInt32BE()),
    seqs: sink.seqs,
    storedTwice: sender.storedTwice,
    packetsLost: client.connection.stats().lost,
  };
}

export type ListenOrder = Omit<ExchangeOrder, "messages">;

/** Waits for one message and answers its seq; `subscribed` is called when it would be pushed. */
export async function listen(order: ListenOrder, subscribed: () => Promise<void>): Promise<number | undefined> {
  using client = await RawClient.connect(order.server, order.options);
  using session = new RawSession(client.service, order.server.token);
  const sink = new TestSink();
  session.inbox(order.recipientKey).subscribe(sink);
  await sink.until(() => sink.pushes.length > 0); // the first says where the inbox stands
  await subscribed();
  await sink.until(() => sink.isEnded || sink.isReleased || sink.seqs.length > 0);
  return sink.seqs[0];
}

class Sender {
  sent = 0;
  storedTwice = 0;
  readonly #client: RawClient;
  readonly #recipientKey: Uint8Array;
  readonly #inFlight = new Set<Promise<void>>();

  constructor(client: RawClient, recipientKey: Uint8Array) {
    this.#client = client;
    this.#recipientKey = recipientKey;
  }

  /** Resolves when there is room for the next. */
  async send(): Promise<void> {
    const number = this.sent++;
    const sending = this.#sendOne(number).finally(() => this.#inFlight.delete(sending));
    this.#inFlight.add(sending);
    // also lets what arrives be worked off between two calls
    while (this.#inFlight.size >= inFlightMax) await Promise.race(this.#inFlight);
  }

  async answered(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  async #sendOne(number: number): Promise<void> {
    const payload = Buffer.alloc(200);
    payload.writeUInt32BE(number);
    const idempotencyKey = createHash("sha256").update(payload).digest().subarray(0, 16);
    const params = { recipientKey: this.#recipientKey, payload, idempotencyKey };
    const tries = [this.#client.call("enqueue", params)];
    if (number % repeatEvery === 0) tries.push(this.#client.call("enqueue", params));
    const [first, again = first] = await Promise.all(tries);
    if (first?.seq !== again?.seq) this.storedTwice += 1;
  }
}
