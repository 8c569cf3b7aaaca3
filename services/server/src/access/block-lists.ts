/**
 * Block lists: whose messages an account does not take, into its own inboxes and its devices'. A list names keys: that of
 * an account, which is all its devices too, or that of one device. Who sends by the static token or without a name cannot
 * be on one.
 *
 * An answer of the store is believed for 5 s, so that what busy senders send doesn't wait; after half of it the store is
 * asked beside them. Who must wait is asked for with many others, one query at a time, and in the order of arrival; what a
 * sender sends behind something that waits does too, so that its messages keep their order.
 */
import {
  bytesOfLatin1,
  type IdentityKey,
  type InboxKey,
  latin1,
  type LimitName,
  QpqError,
  sizes,
} from "quicproquo-proto";
import { isNobody } from "../keys/signature.ts";
import type { AccountStore, BlockPair } from "../store/port.ts";

const believedMs = 5_000;
const freshMs = believedMs / 2;
/** Pairs that are believed: about 20 MB. */
const knownMaxDefault = 100_000;
/** Of one query, unless one call has more. */
const pairsAtOnce = 1_000;
/** Pairs that wait for a query: beyond it E021_OVERLOADED. */
const waitingMaxDefault = 50_000;

export type BlockListsParts = {
  readonly store: Pick<AccountStore, "setBlocked" | "areBlocked">;
  readonly limits: Pick<Readonly<Record<LimitName, number>>, "blocksMax">;
  /** ms of a clock that is not set. */
  readonly now?: () => number;
  readonly knownMax?: number;
  readonly waitingMax?: number;
};

/** `account`: undefined = nobody can block it. */
type From = { readonly key: Uint8Array; readonly account: IdentityKey | undefined };
type To = { readonly inbox: InboxKey };

/** By recipient, in the order asked for; undefined: none of them blocks. */
export type Blocked = readonly boolean[] | undefined;

type Known = { readonly isBlocked: boolean; readonly askedAtMs: number; isAsked: boolean };

/** A pair's name: 32 characters of the recipient, 32 of the sender, one a byte. */
type Pair = string;

type Job = {
  /** undefined: nobody waits for the answer. */
  readonly sender: string | undefined;
  readonly pairs: readonly Pair[];
  readonly answer: PromiseWithResolvers<ReadonlyMap<Pair, boolean>>;
};

export class BlockLists {
  readonly #parts: BlockListsParts;
  readonly #now: () => number;
  /** Those that were asked for longest ago come first. */
  readonly #known = new Map<Pair, Known>();
  #waiting: Job[] = [];
  #waitingPairs = 0;
  /** By sender: its jobs that are not answered yet. */
  readonly #behind = new Map<string, number>();
  #isAsking = false;

  constructor(parts: BlockListsParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
  }

  /**
   * Durable; here at once for the owner's own inboxes, else within 5 s. `sender`: of an account, or of a device. E001, E007,
   * E072_BLOCK_LIST_FULL.
   */
  async set(owner: IdentityKey, sender: IdentityKey, blocked: boolean): Promise<void> {
    if (isNobody(sender)) throw new QpqError("E001_BAD_REQUEST", { text: "the key of zeros is nobody's" });
    if (Buffer.compare(owner, sender) === 0) throw new QpqError("E001_BAD_REQUEST", { text: "nobody blocks oneself" });
    const { blocksMax } = this.#parts.limits;
    if (!(await this.#parts.store.setBlocked({ owner, sender, blocked, blocksMax }))) {
      throw new QpqError("E072_BLOCK_LIST_FULL", { fields: { max: blocksMax } });
    }
    this.#learn(latin1(owner) + latin1(sender), blocked, this.#now());
  }

  /** At once where all is known and nothing that this sender sent before waits. E020, E021; rejected. */
  find({ key, account }: From, to: readonly To[]): Blocked | Promise<Blocked> {
    if (account === undefined || to.length === 0) return undefined;
    const name = latin1(key);
    const ofAccount = latin1(account);
    const of = name === ofAccount ? [name] : [name, ofAccount];
    const pairs = to.flatMap(({ inbox }) => of.map((name) => inbox.slice(0, sizes.identityKey) + name));
    if (!this.#behind.has(name) && this.#isKnown(pairs)) {
      return blockedOf(pairs, of.length, (pair) => this.#known.get(pair)?.isBlocked === true);
    }
    if (this.#waitingPairs + pairs.length > (this.#parts.waitingMax ?? waitingMaxDefault)) {
      return Promise.reject(new QpqError("E021_OVERLOADED", { retryAfterMs: 1_000 }));
    }
    this.#behind.set(name, (this.#behind.get(name) ?? 0) + 1);
    const answer = Promise.withResolvers<ReadonlyMap<Pair, boolean>>();
    this.#add({ sender: name, pairs, answer });
    return answer.promise.then((asked) => blockedOf(pairs, of.length, (pair) => asked.get(pair) === true));
  }

  /** Of those that are known and not fresh the store is asked beside. */
  #isKnown(pairs: readonly Pair[]): boolean {
    const nowMs = this.#now();
    const stale: Pair[] = [];
    for (const pair of pairs) {
      const known = this.#known.get(pair);
      const ageMs = known === undefined ? believedMs : nowMs - known.askedAtMs;
      if (known === undefined || ageMs >= believedMs) return false;
      if (ageMs >= freshMs && !known.isAsked) stale.push(pair);
    }
    if (stale.length === 0) return true;
    for (const pair of stale) (this.#known.get(pair) as Known).isAsked = true;
    this.#add({ sender: undefined, pairs: stale, answer: Promise.withResolvers() });
    return true;
  }

  #add(job: Job): void {
    this.#waiting.push(job);
    this.#waitingPairs += job.pairs.length;
    if (!this.#isAsking) void this.#ask(); // never rejects
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const jobs = this.#takeSome();
      const pairs = [...new Set(jobs.flatMap((job) => job.pairs))];
      const askedAtMs = this.#now();
      try {
        const blocked = await this.#parts.store.areBlocked(pairs.map(namesOf));
        const asked = new Map(pairs.map((pair, i) => [pair, blocked[i] === true]));
        for (const [pair, isBlocked] of asked) this.#learn(pair, isBlocked, askedAtMs);
        for (const job of jobs) this.#end(job, () => job.answer.resolve(asked));
      } catch (error) {
        for (const job of jobs) this.#end(job, () => job.answer.reject(error));
      }
    }
    this.#isAsking = false;
  }

  #takeSome(): Job[] {
    let pairs = 0;
    let count = 0;
    while (count < this.#waiting.length && pairs < pairsAtOnce) pairs += (this.#waiting[count++] as Job).pairs.length;
    this.#waitingPairs -= pairs;
    return this.#waiting.splice(0, count);
  }

  /** Its promise's listeners run in the order of these calls, which is that of arrival. */
  #end({ sender, pairs }: Job, settle: () => void): void {
    if (sender === undefined) {
      for (const pair of pairs) {
        const known = this.#known.get(pair);
        if (known !== undefined) known.isAsked = false;
      }
      return;
    }
    const left = (this.#behind.get(sender) as number) - 1;
    if (left === 0) this.#behind.delete(sender);
    else this.#behind.set(sender, left);
    settle();
  }

  /** Of two answers the one that was asked for later: `set` may have come in between. */
  #learn(pair: Pair, isBlocked: boolean, askedAtMs: number): void {
    if ((this.#known.get(pair)?.askedAtMs ?? -1) > askedAtMs) return;
    this.#known.delete(pair);
    this.#known.set(pair, { isBlocked, askedAtMs, isAsked: false });
    const knownMax = this.#parts.knownMax ?? knownMaxDefault;
    if (this.#known.size > knownMax) this.#known.delete(this.#known.keys().next().value as Pair);
  }
}

/** `each`: pairs of one recipient, which stand together. */
function blockedOf(pairs: readonly Pair[], each: number, isBlocked: (pair: Pair) => boolean): Blocked {
  if (!pairs.some(isBlocked)) return undefined;
  return Array.from({ length: pairs.length / each }, (_, i) => pairs.slice(i * each, (i + 1) * each).some(isBlocked));
}

function namesOf(pair: Pair): BlockPair {
  const bytes = bytesOfLatin1(pair);
  const [owner, sender] = [bytes.subarray(0, sizes.identityKey), bytes.subarray(sizes.identityKey)];
  return { owner: owner as IdentityKey, sender: sender as IdentityKey };
}
