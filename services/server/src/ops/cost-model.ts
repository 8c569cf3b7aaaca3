/**
 * What a number of users takes: the sums of docs/capacity.md with other numbers in them. The costs are the measured ones of
 * that page, on shared cores of 2020's kind; a sum is good to what they are good to.
 */
import { type Throughput, type ThroughputInput, throughputOf } from "./throughput-model.ts";

/** docs/capacity.md, Measured. Times are CPU, bytes resident or on disk. */
const costs = {
  /** 163 MB before anybody comes; the rest is its young generation, once some hundreds have come. */
  processBytes: 195e6,
  clientBytes: 52 * 1_024,
  arrivalMs: 1.2,
  pingUs: 100,
  /** Of a front-end, measured on a busy machine; an enqueue is throughput-model.ts's. */
  deliverUs: 100,
  /** In each process, of a message that another one stored: 2 to 3 when there are many, up to 30 when there are few. */
  hintUs: 10,
  /** Of the database, or of the embedded store: an acknowledgement, measured on a busy machine. */
  acknowledgeUs: 50,
  /** Every idle reader once in 22 s on average, 1,000 a query of 4 ms. */
  sweepUsPerUser: 4_000 / 1_000 / 22,
  inboxRowBytes: 242,
  /** Without its payload. */
  messageRowBytes: 220,
  rememberedIdBytes: 212,
  /** Of a message's whole life, without its payload. */
  logBytesPerMessage: 790,
} as const;

/** A core that is busier than that makes callers wait. */
const usableShare = 0.6;
const daySecs = 86_400;

export type PlanInput = {
  readonly users: number;
  /** That a user sends to one other. */
  readonly messagesPerDay: number;
  /** The busiest moment's rate by the average one. */
  readonly peak: number;
  /** Share of the users that leave a day's messages unread. */
  readonly unreadShare: number;
  readonly keepAliveMs: number;
  readonly connectionsMax: number;
  readonly dedupeWindowSecs: number;
  readonly store: "sqlite" | "cluster";
  /** Default: as many as connectionsMax asks for, on one machine no more of them than it has cores. */
  readonly processes?: number;
  /** What one machine of them carries. */
  readonly machine: Pick<ThroughputInput, "cores" | "payloadBytes" | "callsPerConnection" | "withCallers">;
};

export type Plan = {
  readonly messagesPerSecond: number;
  readonly messagesPerSecondAtPeak: number;
  readonly processes: number;
  readonly memoryBytes: number;
  /** Of front-ends, as they are used at the peak, by what uses them. */
  readonly coresUsed: { readonly pings: number; readonly messages: number; readonly hints: number };
  /** Of front-ends, to be had. */
  readonly cores: number;
  /** Of the database, to be had; 0 for the embedded store, whose work is in `cores`. */
  readonly databaseCores: number;
  readonly diskBytes: number;
  readonly logBytesPerDay: number;
  /** Until everybody is back who came in one moment. */
  readonly stormSeconds: number;
  /** Of one machine that has front-ends and store. */
  readonly throughput: Throughput;
  /** One machine, or one database, is not enough for it. */
  readonly limit: string | undefined;
};

export function planFor(input: PlanInput): Plan {
  const { users, messagesPerDay, peak, unreadShare, keepAliveMs, connectionsMax, dedupeWindowSecs, store } = input;
  const { payloadBytes } = input.machine;
  const messagesPerSecond = (users * messagesPerDay) / daySecs;
  const atPeak = messagesPerSecond * peak;
  const processes = input.processes ?? Math.max(store === "cluster" ? 2 : 1, Math.ceil(users / connectionsMax));
  const enqueue = throughputOf({ ...input.machine, processes: 1, store }).cpuUs;
  const sweepUs = store === "cluster" ? users * costs.sweepUsPerUser : 0;
  const databaseUsed = (atPeak * (enqueue.database + costs.acknowledgeUs) + sweepUs) / 1e6;
  const coresUsed = {
    pings: (users * costs.pingUs) / keepAliveMs / 1_000,
    messages: (atPeak * (enqueue.frontEnds + costs.deliverUs)) / 1e6 + (store === "sqlite" ? databaseUsed : 0),
    hints: store === "cluster" ? (atPeak * costs.hintUs * processes) / 1e6 : 0,
  };
  const cores = Math.max(1, Math.ceil((coresUsed.pings + coresUsed.messages + coresUsed.hints) / usableShare));
  const ids = messagesPerSecond * dedupeWindowSecs * costs.rememberedIdBytes;
  const unread = users * unreadShare * messagesPerDay * (costs.messageRowBytes + payloadBytes);
  return {
    messagesPerSecond,
    messagesPerSecondAtPeak: atPeak,
    processes,
    memoryBytes: processes * costs.processBytes + users * costs.clientBytes,
    coresUsed,
    cores,
    databaseCores: store === "cluster" ? Math.max(1, Math.ceil(databaseUsed / usableShare)) : 0,
    diskBytes: users * costs.inboxRowBytes + ids + unread,
    logBytesPerDay: messagesPerSecond * daySecs * (costs.logBytesPerMessage + payloadBytes),
    stormSeconds: (users * costs.arrivalMs) / 1_000 / cores,
    throughput: throughputOf({
      ...input.machine,
      processes: input.processes ?? Math.min(processes, Math.ceil(input.machine.cores)),
      store,
    }),
    limit: limitOf(input, { atPeak, hints: coresUsed.hints / processes }),
  };
}

/** What breaks first, of docs/capacity.md, 10^8. */
function limitOf({ store }: PlanInput, { atPeak, hints }: { atPeak: number; hints: number }): string | undefined {
  if (store === "sqlite" && atPeak > 20_000) return "one file does not take so many messages a second: --store cluster";
  if (hints > 0.2) return "hints take more than a fifth of each process: several clusters, each with its own inboxes";
  if (atPeak > 50_000) return "one Postgres does not take so many messages a second: several clusters";
  return undefined;
}
