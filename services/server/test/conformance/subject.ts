/**
 * What a conformance suite is run against: a place where stores can be opened, and one opened store with a clock that
 * only the test moves. Also the few builders the suites share.
 */
import { createHash } from "node:crypto";
import { type InboxKey, inboxKeyOf, parseChannelId, parseIdentityKey } from "quicproquo-proto";
import type { Append, Clock, ReadAnswer, Store, StoreLimits } from "../../src/store/port.ts";

/** `raiseStoreEpoch` is for the adapters that have one. */
type OpenOptions = { readonly limits: StoreLimits; readonly clock: Clock; readonly raiseStoreEpoch?: boolean };

export type Place = {
  open(options: OpenOptions): Promise<Store>;
  /** What was stored is still there when the place is opened again. */
  readonly keeps: boolean;
  /** Where it keeps it, if in one file. */
  readonly file?: string;
  dispose(): Promise<void>;
};

export type Subject = { readonly name: string; readonly keeps: boolean; makePlace(): Promise<Place> };

export const startMs = Date.UTC(2026, 0, 1);
const lifeMs = 60_000;

export const defaultLimits: StoreLimits = {
  queueDepthMax: 1_000,
  dedupeWindowMs: 600_000,
  groupLifeMs: 6_000_000,
  appendsInFlightMax: 10_000,
};

/** One opened store. `store` changes with `reopen`. */
export class Setup implements AsyncDisposable {
  store: Store;
  nowMs = startMs;
  readonly #place: Place;
  readonly #limits: StoreLimits;

  private constructor(place: Place, limits: StoreLimits, store: Store) {
    this.#place = place;
    this.#limits = limits;
    this.store = store;
  }

  static async make(subject: Subject, limits: Partial<StoreLimits> = {}): Promise<Setup> {
    const place = await subject.makePlace();
    const all = { ...defaultLimits, ...limits };
    let setup: Setup | undefined;
    const store = await place.open({ limits: all, clock: () => setup?.nowMs ?? startMs });
    setup = new Setup(place, all, store);
    return setup;
  }

  get file(): string {
    return this.#place.file ?? "";
  }

  async reopen(options: { raiseStoreEpoch?: boolean } = {}): Promise<void> {
    await this.store.close();
    this.store = await this.#place.open({ limits: this.#limits, clock: () => this.nowMs, ...options });
  }

  /** The whole inbox behind `after`, in one read. */
  read(inbox: InboxKey, after = 0n): Promise<ReadAnswer> {
    return this.store.log.read({ inbox, after, storeEpoch: 0n, limit: 100_000, bytesMax: 2 ** 30 });
  }

  /** A message of this setup's now. */
  message(inbox: InboxKey, text: string, options: { id?: string; lifeMs?: number } = {}): Append {
    return {
      inbox,
      payload: new TextEncoder().encode(text),
      messageId: options.id === undefined ? undefined : messageIdOf(options.id),
      expiresAtMs: this.nowMs + (options.lifeMs ?? lifeMs),
    };
  }

  /** Sweeps until there is nothing left to do. */
  async sweepAll(): Promise<void> {
    while ((await this.store.log.sweep(100)) === 100);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.#place.dispose();
  }
}

export function identityOf(name: string): ReturnType<typeof parseIdentityKey> {
  return parseIdentityKey(new Uint8Array(createHash("sha256").update(name).digest()));
}

/** Names with "/" are channels of the recipient before it. */
export function inboxOf(name: string): InboxKey {
  const [recipient = "", channel] = name.split("/");
  const channelId = channel === undefined ? new Uint8Array(0) : messageIdOf(channel);
  return inboxKeyOf(identityOf(recipient), parseChannelId(channelId));
}

export function messageIdOf(name: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(name).digest()).subarray(0, 16);
}

export function textsOf(answer: ReadAnswer): string[] {
  return answer.messages.map(({ payload }) => new TextDecoder().decode(payload));
}

export function seqsOf(answer: ReadAnswer): bigint[] {
  return answer.messages.map(({ seq }) => seq);
}

/** 1n..last. */
export function seqsUpTo(last: number): bigint[] {
  return Array.from({ length: last }, (_, i) => BigInt(i + 1));
}
