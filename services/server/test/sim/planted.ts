/** Faults that the simulation must find, each made around the store's ports or a session's leases of every front-end. */
import { type InboxKey, QpqError } from "quicproquo-proto";
import { Random } from "quicproquo-rpc/fuzz";
import type { Append, Appended, MessageLog, Store, TailAnswer } from "../../src/store/port.ts";
import { hearLate } from "../crash/planted-bus.ts";
import type { Conditions } from "./conditions.ts";
import type { FrontEndPlant } from "./front-end.ts";
import type { Faults } from "./simulation.ts";

export type Planted = FrontEndPlant & {
  /** The checker that is to see it. */
  readonly seenAs: keyof Faults;
  /** Where it is seen soon. */
  readonly conditions?: Partial<Conditions>;
};

export const planted: Readonly<Record<string, Planted>> = {
  "an append is answered before it is stored": {
    seenAs: "lost",
    store: (store) => withLog(store, { append: answerFirst(store.log) }),
  },
  "a leased message is removed at the answer's leaving, not at its arrival": {
    seenAs: "lost",
    session: ({ leases }) => {
      const lease = leases.lease.bind(leases);
      leases.lease = async (query, read) => {
        const fetched = await lease(query, read);
        fetched.taken();
        return fetched;
      };
    },
  },
  "a replica that stands still is asked what there is": {
    seenAs: "lost",
    store: (store) => withLog(store, { read: standStill(store.log) }),
  },
  "a removal is answered before it is stored": {
    seenAs: "duplicated",
    store: (store) => withLog(store, { ack: removeFirst(store.log) }),
  },
  "a repeated message is stored once more": {
    seenAs: "duplicated",
    store: (store) => withLog(store, { append: (entry) => store.log.append({ ...entry, messageId: undefined }) }),
  },
  "a message can be seen after a later one": {
    seenAs: "gaps",
    store: (store) => withLog(store, { read: hideFirst(store.log) }),
  },
  "the tail is read past a hole": {
    seenAs: "gaps",
    conditions: { hasTail: true },
    store: (store) => withLog(store, { readTail: readPastHoles(store.log) }),
  },
  "a commit of a taken epoch is accepted": {
    seenAs: "twoCommits",
    store: (store) => withLog(store, { commitGroup: acceptAll(store.log) }),
  },
  "a commit is delivered before it is looked at": {
    seenAs: "refusedAndDelivered",
    store: (store) => withLog(store, { commitGroup: deliverFirst(store.log) }),
  },
  "a reader looks before its listener stands, and no sweep helps": {
    seenAs: "sleepers",
    store: (store) => ({ ...withoutSweep(store), wakeups: hearLate(store.wakeups) }),
  },
  "hints are lost, and no sweep helps": {
    seenAs: "sleepers",
    store: withoutSweep,
  },
  "the sweep believes cursors of another epoch": {
    seenAs: "sleepers",
    conditions: { faults: ["failover with loss"], hintLossPercent: 100, frontEnds: 2, storeFaultPercent: 0 },
    store: (store) => ({
      ...withLog(store, {}),
      readHeads: (cursors) =>
        (store as Required<Store>).readHeads(cursors.map((cursor) => ({ ...cursor, storeEpoch: 0n }))),
    }),
  },
  "who has gone is leased messages to": {
    seenAs: "gaps",
    conditions: { storeMs: 20, fetchMessagesMax: 2, faults: [], storeFaultPercent: 0 },
    session: ({ leases }) => {
      const lease = leases.lease.bind(leases);
      leases.lease = (query, read) => lease({ ...query, asker: { isGone: false } }, read);
    },
  },
  "a bound on work under way is never given back": {
    seenAs: "unfinished",
    store: (store) => withLog(store, { append: fillUp(store.log.append), appendAll: fillUp(store.log.appendAll) }),
  },
  "listeners are never taken back": {
    seenAs: "leftovers",
    store: (store) => ({
      ...withLog(store, {}),
      wakeups: {
        publish: (inbox) => store.wakeups.publish(inbox),
        subscribe: (inbox, listener) => store.wakeups.subscribe(inbox, listener),
        unsubscribe() {},
      },
    }),
  },
};

function withLog(store: Store, calls: Partial<MessageLog>): Store {
  return {
    ...store,
    log: { ...store.log, ...calls },
    readHeads: (cursors) => (store as Required<Store>).readHeads(cursors),
    health: () => store.health(),
    close: () => store.close(),
  };
}

function withoutSweep(store: Store): Store {
  const { readHeads: _, ...rest } = withLog(store, {});
  return rest;
}

/** With the seq that it will have when no other front-end appends. */
function answerFirst(log: MessageLog): (entry: Append) => Promise<Appended> {
  const seqs = new Map<InboxKey, bigint>();
  return async (entry) => {
    const known = seqs.get(entry.inbox);
    if (known === undefined) {
      const appended = await log.append(entry);
      if ("seq" in appended) seqs.set(entry.inbox, appended.seq);
      return appended;
    }
    void log.append(entry).catch(() => undefined);
    seqs.set(entry.inbox, known + 1n);
    return { kind: "stored", seq: known + 1n };
  };
}

function standStill(log: MessageLog): MessageLog["read"] {
  let reads = 0;
  return async (query) => {
    const answer = await log.read(query);
    return ++reads > 20 ? { ...answer, messages: [] } : answer;
  };
}

function readPastHoles(log: MessageLog): NonNullable<MessageLog["readTail"]> {
  return async (query) => {
    let found: TailAnswer | undefined;
    for (let skipped = 0n; skipped < 4n && found === undefined; skipped++) {
      found = await log.readTail?.({ ...query, after: query.after + skipped });
    }
    return found;
  };
}

function removeFirst(log: MessageLog): MessageLog["ack"] {
  return async (inbox, upTo, storeEpoch) => {
    void log.ack(inbox, upTo, storeEpoch).catch(() => undefined);
    return true;
  };
}

function hideFirst(log: MessageLog): MessageLog["read"] {
  const random = new Random("hidden");
  return async (query) => {
    const answer = await log.read(query);
    const [, ...behind] = answer.messages;
    return behind.length > 0 && random.chance(20) ? { ...answer, messages: behind } : answer;
  };
}

function acceptAll(log: MessageLog): MessageLog["commitGroup"] {
  return async (commit) => {
    const committed = await log.commitGroup(commit);
    if ("seqs" in committed) return committed;
    const appended = await log.appendAll(commit.entries);
    return { kind: "accepted", seqs: appended.map((one) => ("seq" in one ? one.seq : 0n)) };
  };
}

function deliverFirst(log: MessageLog): MessageLog["commitGroup"] {
  return async (commit) => {
    const appended = await log.appendAll(commit.entries);
    const committed = await log.commitGroup({ ...commit, entries: [] });
    if (!("seqs" in committed)) return committed;
    return { ...committed, seqs: appended.map((one) => ("seq" in one ? one.seq : 0n)) };
  };
}

function fillUp<A, R>(call: (given: A) => Promise<R>): (given: A) => Promise<R> {
  let calls = 0;
  return (given) => (++calls > 5 ? Promise.reject(new QpqError("E021_OVERLOADED")) : call(given));
}
