/**
 * Channels (docs/wire.md, Meaning): each has two members, keys of people or of their devices, who alone send into it and
 * read from it. Members never change, so they are kept; that a channel has ended with an account of it is seen within 60 s,
 * at this front-end at once.
 */
import { randomBytes } from "node:crypto";
import { type IdentityKey, latin1, type LimitName, parseIdentityKey, QpqError, sizes } from "quicproquo-proto";
import { isNobody } from "../keys/signature.ts";
import type { ChannelMade, ChannelStore, RateCounter } from "../store/port.ts";
import { type Rate, ratePer, requireRate } from "./rates.ts";
import type { Acting } from "./session-tokens.ts";

const believedMs = 60_000;
/** About 15 MB. */
const knownMaxDefault = 50_000;

export type Members = readonly [IdentityKey, IdentityKey];

type Known = { readonly members: Members; readonly askedAtMs: number };

export type ChannelsParts = {
  readonly store: ChannelStore;
  readonly rates: RateCounter;
  readonly limits: Readonly<Record<LimitName, number>>;
  /** ms of a clock that is not set. */
  readonly now?: () => number;
  readonly knownMax?: number;
};

export class Channels {
  readonly #store: ChannelStore;
  readonly #rates: RateCounter;
  readonly #rate: Rate;
  readonly #now: () => number;
  readonly #knownMax: number;
  /** By id, one character a byte; those that were asked for longest ago come first. */
  readonly #known = new Map<string, Known>();
  /** Under way, so that two calls for one channel keep their order. */
  readonly #asked = new Map<string, Promise<Members>>();
  /** What was asked for before the last one is not kept. */
  #forgets = 0;

  constructor({ store, rates, limits, now = () => performance.now(), knownMax = knownMaxDefault }: ChannelsParts) {
    this.#store = store;
    this.#rates = rates;
    this.#rate = ratePer(3_600, "channelsPerHour", limits);
    this.#now = now;
    this.#knownMax = knownMax;
  }

  /**
   * The one channel of the key that a caller acts for and another, whichever of them asks; durable. E001_BAD_REQUEST (with oneself, or with nobody), E007, E018,
   * E020.
   */
  async create({ identity, actsFor: own }: Acting, peerKey: Uint8Array): Promise<ChannelMade> {
    const peer = parseIdentityKey(Uint8Array.from(peerKey));
    if (isNobody(peer)) throw new QpqError("E001_BAD_REQUEST", { text: "the key of zeros is nobody's" });
    if (Buffer.compare(own, peer) === 0) throw new QpqError("E001_BAD_REQUEST", { text: "a channel has two members" });
    requireRate(this.#rates, this.#rate, latin1(identity));
    return await this.#store.createChannel({ a: own, b: peer, newId: randomBytes(sizes.channelId) });
  }

  /** At once for a channel that is known. E023_CHANNEL_NOT_FOUND, E020; rejected. */
  membersOf(channelId: Uint8Array): Members | Promise<Members> {
    const name = latin1(channelId);
    const known = this.#known.get(name);
    if (known !== undefined && this.#now() - known.askedAtMs < believedMs) return known.members;
    let asked = this.#asked.get(name);
    if (asked === undefined) {
      asked = this.#ask(name, Uint8Array.from(channelId)).finally(() => this.#asked.delete(name));
      this.#asked.set(name, asked);
    }
    return asked;
  }

  /** The key's account has ended, or it is no device any more. */
  forget(key: IdentityKey): void {
    this.#forgets++;
    for (const [name, { members }] of this.#known) {
      if (members.some((member) => Buffer.compare(member, key) === 0)) this.#known.delete(name);
    }
  }

  async #ask(name: string, channelId: Uint8Array): Promise<Members> {
    const askedAtMs = this.#now();
    const forgets = this.#forgets;
    const members = await this.#store.membersOf(channelId);
    this.#known.delete(name);
    if (members === undefined) throw new QpqError("E023_CHANNEL_NOT_FOUND");
    if (forgets === this.#forgets) this.#known.set(name, { members, askedAtMs });
    if (this.#known.size > this.#knownMax) this.#known.delete(this.#known.keys().next().value as string);
    return members;
  }
}
