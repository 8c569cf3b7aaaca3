/**
 * Clients of several front-ends that go elsewhere when they are told to, or when their connection ends: senders that
 * offer messages at a set rate, and readers that subscribe. Both keep the book of a crash trial.
 */
import { setTimeout as pause } from "node:timers/promises";
import { QpqError } from "quicproquo-proto";
import { type Ledger, payloadHashOf } from "../crash/ledger.ts";
import { inboxCount, inboxNumber, messageNumber } from "../crash/messages.ts";
import { RawClient, type ServerKeys } from "../e2e/raw-client.ts";
import { RawSession, TestSink } from "../e2e/raw-session.ts";

/** Before the next front-end is tried; jitter, as clients have it. */
const reconnectMs = 50;
/** As the sdk's. */
const deadlineMs = 10_000;

/** One connection, to whichever front-end takes it. */
class Follower {
  readonly #frontEnds: readonly ServerKeys[];
  #at: number;
  #client: RawClient | undefined;
  #dialling: Promise<RawClient> | undefined;
  #isOpen = false;
  #left = Promise.withResolvers<void>();
  moves = 0;

  constructor(frontEnds: readonly ServerKeys[], first: number) {
    this.#frontEnds = frontEnds;
    this.#at = first;
  }

  /** One dial for all that wait. */
  connected(): Promise<RawClient> {
    if (this.#client !== undefined && this.#isOpen) return Promise.resolve(this.#client);
    this.#dialling ??= this.#dial().finally(() => {
      this.#dialling = undefined;
    });
    return this.#dialling;
  }

  async #dial(): Promise<RawClient> {
    for (;;) {
      const server = this.#frontEnds[this.#at % this.#frontEnds.length] as ServerKeys;
      const client = await RawClient.connect(server).catch(() => undefined);
      if (client !== undefined) {
        client.connection.onClose = () => this.leave(client);
        this.#client = client;
        this.#isOpen = true;
        this.#left = Promise.withResolvers();
        return client;
      }
      this.#at++;
      await pause(Math.random() * reconnectMs);
    }
  }

  /** For another front-end, unless it has left that one already. */
  leave(client: RawClient): void {
    if (this.hasLeft(client)) return;
    this.#at++;
    this.moves++;
    this.close();
  }

  hasLeft(client: RawClient): boolean {
    return this.#client !== client || !this.#isOpen;
  }

  /** Resolves when it has left that one. */
  left(client: RawClient): Promise<void> {
    return this.hasLeft(client) ? Promise.resolve() : this.#left.promise;
  }

  close(): void {
    this.#isOpen = false;
    this.#left.resolve();
    this.#client?.close();
  }
}

export class RatedSender {
  acknowledged = 0;
  /** Calls that were not answered by their deadline. */
  late = 0;
  /** From the moment that a message was due to its acknowledgement, repeats and moves in it, ms. */
  readonly tookMs: number[] = [];
  readonly #follower: Follower;
  readonly #ledger: Ledger;
  #isStopping = false;

  constructor(frontEnds: readonly ServerKeys[], first: number, ledger: Ledger) {
    this.#follower = new Follower(frontEnds, first);
    this.#ledger = ledger;
  }

  get moves(): number {
    return this.#follower.moves;
  }

  stop(): void {
    this.#isStopping = true;
  }

  /** One message each `everyMs`, whether the one before took long or not: who is behind sends without a pause. */
  async run(next: () => number, everyMs: number): Promise<void> {
    for (let dueAtMs = performance.now() + Math.random() * everyMs; !this.#isStopping; dueAtMs += everyMs) {
      const aheadMs = dueAtMs - performance.now();
      if (aheadMs > 0) await pause(aheadMs);
      await this.#deliver(messageNumber(next()));
      this.tookMs.push(performance.now() - dueAtMs);
      this.acknowledged++;
    }
    this.#follower.close();
  }

  async #deliver(message: ReturnType<typeof messageNumber>): Promise<void> {
    const { inbox, payload, messageId } = message;
    const call = { recipientKey: Buffer.from(inbox, "latin1"), payload, idempotencyKey: messageId as Uint8Array };
    for (;;) {
      const client = await this.#follower.connected();
      const signal = AbortSignal.timeout(deadlineMs);
      try {
        const { seq } = await client.call("enqueue", call, { signal });
        return this.#ledger.acknowledge({ inbox, seq, payloadHash: payloadHashOf(payload) });
      } catch (error) {
        if (signal.aborted) this.late++;
        const mayStay = error instanceof QpqError && error.kind === "limited";
        if (!mayStay) this.#follower.leave(client);
        await pause(mayStay ? (error.retryAfterMs ?? reconnectMs) : Math.random() * reconnectMs);
      }
    }
  }
}

/** Subscribes to every so many-th inbox, from where it was. */
export class FollowingReader {
  readonly #follower: Follower;
  readonly #ledger: Ledger;
  readonly #inboxes: readonly number[];
  #isStopping = false;
  /** Subscriptions that were told to go elsewhere. */
  toldToGo = 0;

  constructor(frontEnds: readonly ServerKeys[], { of, index }: { of: number; index: number }, ledger: Ledger) {
    this.#follower = new Follower(frontEnds, index);
    this.#ledger = ledger;
    this.#inboxes = Array.from({ length: inboxCount }, (_, i) => i).filter((i) => i % of === index);
  }

  async run(): Promise<void> {
    await Promise.all(this.#inboxes.map((number) => this.#follow(number)));
    this.#follower.close();
  }

  stop(): void {
    this.#isStopping = true;
    this.#follower.close();
  }

  async #follow(number: number): Promise<void> {
    const inbox = inboxNumber(number);
    let after = 0n;
    let storeEpoch = 0n;
    while (!this.#isStopping) {
      const client = await this.#follower.connected();
      using session = new RawSession(client.service, client.token);
      const box = session.inbox(Buffer.from(inbox, "latin1"));
      const sink = new TestSink();
      // a session that ended under it never had the sink, and lets go of none
      box.subscribe(sink, { after, storeEpoch }).then(undefined, () => this.#follower.leave(client));
      const left = this.#follower.left(client);
      const isOver = (): boolean => this.#follower.hasLeft(client) || sink.isEnded || sink.isReleased;
      for (let seen = 0; !isOver(); ) {
        await Promise.race([sink.until(() => sink.pushes.length > seen || isOver()), left]);
        for (const { envelopes, gap } of sink.pushes.slice(seen)) {
          seen++;
          ({ storeEpoch } = gap);
          if (gap.kind !== "none") this.#ledger.tellGap(inbox, gap.upTo);
          for (const { seq, data } of envelopes) {
            this.#ledger.receive({ inbox, seq, payloadHash: payloadHashOf(data) });
            after = seq;
          }
        }
        const upTo = after;
        // what is not confirmed may have been removed or not: the book knows of it only when it was
        await box.ack(upTo, storeEpoch).then(
          () => this.#ledger.remove(inbox, upTo),
          () => undefined,
        );
      }
      if (sink.ended?.code === "E033_SHUTTING_DOWN") this.toldToGo++;
      await pause(sink.ended?.retryAfterMs ?? 0);
      this.#follower.leave(client);
    }
  }
}
