/** Faults that a crash trial must find. They live here, never in the product. */
import type { Append, Appended, GroupCommit, GroupCommitted, MessageLog, Store } from "../../src/store/port.ts";

type AppendOne = (entry: Append) => Promise<Appended>;

/** The store with some calls of its log in other hands. */
export function over(store: Store, calls: Partial<MessageLog>): Store {
  const { log } = store;
  return {
    ...store,
    health: () => store.health(),
    close: () => store.close(),
    log: {
      append: (entry) => log.append(entry),
      appendAll: (entries) => log.appendAll(entries),
      commitGroup: (commit) => log.commitGroup(commit),
      read: (query) => log.read(query),
      ack: (inbox, upTo, storeEpoch) => log.ack(inbox, upTo, storeEpoch),
      sweep: (rowsMax) => log.sweep(rowsMax),
      ...calls,
    },
  };
}

/** What is handed to the store together; a kill in between finds up to 499 acknowledged messages in memory only. */
export const heldMax = 500;

/** Acknowledges first and stores later, in groups of heldMax, as a store that acknowledges from memory would. */
export function ackBeforeCommit(append: AppendOne): AppendOne {
  const held: Append[] = [];
  const seqs = new Map<string, bigint>();
  return async (entry) => {
    held.push(entry);
    if (held.length === heldMax) await Promise.all(held.splice(0).map(append));
    const seq = (seqs.get(entry.inbox) ?? 0n) + 1n;
    seqs.set(entry.inbox, seq);
    return { kind: "stored", seq };
  };
}

/** Moves the group and delivers to half of its members, then to the others: a kill in between tears the commit apart. */
export function commitInTwo(log: MessageLog): (commit: GroupCommit) => Promise<GroupCommitted> {
  return async (commit) => {
    const half = commit.entries.length >> 1;
    const answer = await log.commitGroup({ ...commit, entries: commit.entries.slice(0, half) });
    if (!("seqs" in answer)) return answer;
    const rest = await log.appendAll(commit.entries.slice(half));
    return { kind: answer.kind, seqs: [...answer.seqs, ...rest.map((one) => ("seq" in one ? one.seq : 0n))] };
  };
}

/** Keeps in memory what is acknowledged, as a front-end would that writes it down later: the others know nothing of it. */
export function ackInMemory(log: MessageLog): Pick<MessageLog, "ack" | "read"> {
  const acked = new Map<string, bigint>();
  return {
    async ack(inbox, upTo) {
      if (upTo > (acked.get(inbox) ?? 0n)) acked.set(inbox, upTo);
      return true;
    },
    read(query) {
      const floor = acked.get(query.inbox) ?? 0n;
      return log.read({ ...query, after: query.after > floor ? query.after : floor });
    },
  };
}

/** Knows of each group's epoch what it has itself accepted: another front-end accepts another commit of the same one. */
export function orderInMemory(log: MessageLog): (commit: GroupCommit) => Promise<GroupCommitted> {
  const next = new Map<string, bigint>();
  return async ({ groupId, epoch, entries }) => {
    const group = Buffer.from(groupId).toString("hex");
    if (epoch < (next.get(group) ?? 0n)) return { kind: "epochTaken" };
    next.set(group, epoch + 1n);
    const answers = await log.appendAll(entries);
    return { kind: "accepted", seqs: answers.map((one) => ("seq" in one ? one.seq : 0n)) };
  };
}
