/**
 * One front-end's way to the database: calls take a while, overtake each other (appends to one inbox do not), fail before
 * or after they took effect, or take effect when the front-end was told long ago that they failed.
 */
import { type InboxKey, QpqError } from "quicproquo-proto";
import { Random } from "quicproquo-rpc/fuzz";
import type {
  Append,
  Appended,
  Cursor,
  GroupCommit,
  MessageLog,
  Store,
  TailQuery,
  WakeupBus,
} from "../../src/store/index.ts";
import { nameOf } from "../crash/chaos/time-line.ts";
import { type Conditions, latencyOf } from "./conditions.ts";
import type { Database } from "./database.ts";
import type { Tail } from "./tail.ts";
import { fractionOf, type VirtualTime } from "./virtual-time.ts";

/** `lost`: it took effect, its answer does not come. `late`: it takes effect after it was given up. */
type Fate = "done" | "refused" | "lost" | "late";

type Pending = { readonly reject: (error: QpqError) => void; effect: ReturnType<VirtualTime["after"]> | undefined };

export type StoreLinkParts = {
  readonly time: VirtualTime;
  readonly database: Database;
  readonly tail: Tail;
  readonly conditions: Pick<Conditions, "storeMs" | "storeFaultPercent" | "hasTail">;
  readonly wakeups: WakeupBus;
  readonly name: string;
  readonly seed: number;
  /** For the time line. */
  readonly tell: (text: () => string) => void;
};

const lateMsMax = 3_000;

export class StoreLink implements Store {
  readonly keys: Store["keys"];
  readonly accounts: Store["accounts"];
  readonly channels: Store["channels"];
  readonly blobs: Store["blobs"];
  readonly wakeups: WakeupBus;
  readonly log: MessageLog;
  /** When a call failed or could have, ms. */
  troubleAtMs = 0;
  /** When the front-end last looked into an inbox, ms. */
  readonly lookedAtMs = new Map<InboxKey, number>();
  faultPercent: number;
  readonly #parts: StoreLinkParts;
  readonly #random: Random;
  readonly #pending = new Set<Pending>();
  /** When the last append to an inbox arrives. */
  readonly #arrivals = new Map<InboxKey, number>();
  #isCutOff = false;
  #isDead = false;

  constructor(parts: StoreLinkParts) {
    this.#parts = parts;
    this.#random = new Random(parts.seed, "store", parts.name);
    this.faultPercent = parts.conditions.storeFaultPercent;
    this.wakeups = parts.wakeups;
    const { log, calmPorts } = parts.database;
    this.keys = calmPorts.keys;
    this.accounts = calmPorts.accounts;
    this.channels = calmPorts.channels;
    this.blobs = calmPorts.blobs;
    this.log = {
      append: async (entry) => {
        const storing = async () => [await log.append(entry), parts.database.storeEpoch] as const;
        const [appended, storeEpoch] = await this.#call("append", storing, [entry.inbox]);
        return this.#inTail(entry, appended, storeEpoch);
      },
      ...(parts.conditions.hasTail && { readTail: (query: TailQuery) => this.#readTail(query) }),
      appendAll: async (entries) => {
        const storing = async () => [await log.appendAll(entries), parts.database.storeEpoch] as const;
        const [appended, storeEpoch] = await this.#call("append", storing, inboxesOf({ entries }));
        return appended.map((one, i) => this.#inTail(entries[i] as Append, one, storeEpoch));
      },
      commitGroup: (commit) => this.#call("commit", () => log.commitGroup(commit), inboxesOf(commit)),
      read: (query) => {
        this.lookedAtMs.set(query.inbox, parts.time.nowMs);
        const { inbox, after } = query;
        return this.#call("read", async () => {
          const answer = await log.read(query);
          const seqs = answer.messages.map(({ seq }) => seq);
          parts.tell(
            () => `${parts.name} reads ${nameOf({ inbox, seq: after })}: ${seqs.join(" ")} ${answer.gap.kind}`,
          );
          return answer;
        });
      },
      ack: (inbox, upTo, storeEpoch) =>
        this.#call("ack", async () => {
          const isRemoved = await log.ack(inbox, upTo, storeEpoch);
          const trim = (): void => parts.tail.trim(inbox, storeEpoch, upTo);
          if (isRemoved) parts.time.after(this.#latencyMs(), "trim", trim);
          parts.tell(() => `${parts.name} removes up to ${nameOf({ inbox, seq: upTo })}: ${isRemoved}`);
          return isRemoved;
        }),
      sweep: (rowsMax) => this.#call("sweep", () => log.sweep(rowsMax)),
    };
  }

  readHeads(cursors: readonly Cursor[]): Promise<readonly InboxKey[]> {
    return this.#call("heads", async () => this.#parts.database.readHeads(cursors));
  }

  async health(): Promise<void> {}

  async close(): Promise<void> {}

  cutOff(): void {
    this.#isCutOff = true;
  }

  mend(): void {
    this.#isCutOff = false;
    this.troubleAtMs = this.#parts.time.nowMs;
  }

  /** The front-end's process is gone: what it asked for may have left it, or not. */
  die(): void {
    this.#isDead = true;
    for (const { effect, reject } of this.#pending) {
      if (effect !== undefined && this.#random.chance(50)) this.#parts.time.cancel(effect);
      reject(unavailable());
    }
    this.#pending.clear();
  }

  /** The front-end keeps what it has stored where readers are near. */
  #inTail(entry: Append, appended: Appended, storeEpoch: bigint): Appended {
    const { tail, time, conditions } = this.#parts;
    if (!conditions.hasTail || appended.kind !== "stored") return appended;
    const { inbox, payload } = entry;
    const message = { seq: appended.seq, payload, enqueuedAtMs: time.clock(), expired: false };
    const place = tail.write(inbox, storeEpoch, message);
    if (place === "elsewhere") return appended;
    // that it could not be written is known later, and then readers are told again
    if (place === "missing") time.after(this.#latencyMs(), "told again", () => this.wakeups.publish(inbox));
    return { ...appended, inTail: true };
  }

  #readTail(query: TailQuery): ReturnType<NonNullable<MessageLog["readTail"]>> {
    const { tail, time, name, tell } = this.#parts;
    if (!query.inTail || this.#random.chance(5)) return undefined;
    return new Promise((resolve) => {
      time.after(this.#latencyMs(), `${name} reads the tail`, () => {
        const found = this.#isDead ? undefined : tail.read(query);
        const seqs = found?.messages.map(({ seq }) => seq) ?? ["nothing"];
        tell(() => `${name} reads the tail of ${nameOf({ inbox: query.inbox, seq: query.after })}: ${seqs.join(" ")}`);
        resolve(found);
      });
    });
  }

  #call<T>(what: string, effect: () => Promise<T>, inOrder: readonly InboxKey[] = []): Promise<T> {
    if (this.#isDead) return Promise.reject(unavailable());
    const { time, name, database } = this.#parts;
    const askedAtMs = time.nowMs;
    return new Promise((resolve, reject) => {
      const pending: Pending = { reject, effect: undefined };
      this.#pending.add(pending);
      const answer = (how: () => void): void => void (this.#pending.delete(pending) && how());
      const fail = (): void =>
        answer(() => {
          this.troubleAtMs = time.nowMs;
          reject(unavailable());
        });
      const fate = this.#fate();
      const label = (stage: string): string => `${name} ${what} ${stage}`;
      if (fate === "refused" || fate === "late") time.after(this.#latencyMs(), label("refused"), fail);
      if (fate === "refused") return;
      const lateMs = fate === "late" ? fractionOf(this.#random) * lateMsMax : 0;
      pending.effect = time.after(this.#arrivesInMs(inOrder) + lateMs, label("takes effect"), () => {
        pending.effect = undefined;
        // what was on its way to a primary that is no more
        if (database.failedOverAtMs > askedAtMs) return fail();
        const result = effect();
        result.catch(() => undefined); // also when nobody is left to be told
        if (fate === "late") return;
        time.after(this.#latencyMs(), label("answered"), () =>
          fate === "lost" || this.#isCutOff ? fail() : answer(() => resolve(result)),
        );
      });
    });
  }

  #fate(): Fate {
    const percent = this.#isCutOff ? 100 : this.faultPercent;
    if (!this.#random.chance(percent)) return "done";
    return this.#random.pick(["refused", "refused", "lost", "late"]);
  }

  #latencyMs(): number {
    return latencyOf(this.#random, this.#parts.conditions.storeMs);
  }

  #arrivesInMs(inOrder: readonly InboxKey[]): number {
    const { nowMs } = this.#parts.time;
    const before = inOrder.map((inbox) => this.#arrivals.get(inbox) ?? 0);
    const arrivalMs = Math.max(nowMs + this.#latencyMs(), ...before);
    for (const inbox of inOrder) this.#arrivals.set(inbox, arrivalMs);
    return arrivalMs - nowMs;
  }
}

function inboxesOf({ entries }: Pick<GroupCommit, "entries">): InboxKey[] {
  return entries.map(({ inbox }) => inbox);
}

function unavailable(): QpqError {
  return new QpqError("E020_STORE_UNAVAILABLE", { retryAfterMs: 50 });
}
