/**
 * Carries out the calls of the store port: each kind gathers in lanes of its own, and each lane has a connection, so that
 * reads don't wait for commits, and acks, which make room, not for appends.
 */
import { type InboxKey, latin1 } from "quicproquo-proto";
import { type CallName, type Calls, codecs } from "../packing/index.ts";
import { wholeMs } from "../packing/codec.ts";
import type { Append, Clock, Cursor, ReadQuery, StoreLimits } from "../port.ts";
import { accountHandlers } from "./account-statements.ts";
import { acknowledge } from "./acknowledge.ts";
import { AppendBatch } from "./append-batch.ts";
import { append, type LookReason, type OnStored } from "./appends.ts";
import { blobHandlers } from "./blob-statements.ts";
import type { Connector } from "./connector.ts";
import { commitGroup } from "./group-commits.ts";
import { readHeads } from "./heads.ts";
import { getHybridKeys, putHybridKey, putKeyPackage, takeKeyPackage } from "./key-statements.ts";
import { Lanes, type Work } from "./lanes.ts";
import { Link, type LinkLimits } from "./link.ts";
import { bytesOfOneMax, read } from "./read.ts";
import { Sweep } from "./sweep.ts";
import { queryRepeatedly } from "./tries.ts";

/**
 * Of one front-end: 9 connections. With the database on the same 2 cores 1 to 4 lanes for writes made no difference (14-22
 * thousand appends/s); 4 leave room for one with more cores.
 */
const lanesOf = { writes: 4, acks: 1, reads: 2, others: 2 } as const;
/** A batch: a commit of some 10 ms. Gathering takes 12 % off what a message costs Postgres. */
const writes = { lanes: lanesOf.writes, rowsMax: 500, bytesMax: 2 * 1024 * 1024, gatherMsMax: 2 };
const acks = { lanes: lanesOf.acks, rowsMax: 500, bytesMax: Number.POSITIVE_INFINITY, gatherMsMax: 0 };
const reads = { lanes: lanesOf.reads, rowsMax: 250, bytesMax: Number.POSITIVE_INFINITY, gatherMsMax: 0 };
const others = { lanes: lanesOf.others, rowsMax: 1, bytesMax: Number.POSITIVE_INFINITY, gatherMsMax: 0 };

const statementHandlers = { ...accountHandlers, ...blobHandlers };

/** Beside the port's calls. */
type OwnCalls = {
  readonly readHeads: { readonly request: readonly Cursor[]; readonly answer: readonly InboxKey[] };
};
type AllCalls = Calls & OwnCalls;
type Name = keyof AllCalls;

type Job<N extends Name = Name> = Work & {
  readonly name: N;
  readonly request: AllCalls[N]["request"];
  readonly resolve: (answer: AllCalls[N]["answer"]) => void;
  readonly reject: (error: unknown) => void;
};
type JobOf<N extends Name> = N extends Name ? Job<N> : never;

export type WorkersOptions = {
  readonly connector: Connector;
  readonly limits: StoreLimits;
  readonly clock: Clock;
  readonly link: LinkLimits;
  readonly onStored?: OnStored | undefined;
};

export type PostgresStats = {
  /** Batches of appends that went the second way, by what was in the way of the first. */
  readonly appendsAfterDuplicate: number;
  readonly appendsAfterConflict: number;
  readonly appendsAfterLoss: number;
  readonly connectionsLost: number;
};

/** `reason`: why the last try to connect failed; undefined when none has yet. */
export type DatabaseCondition = { readonly isUp: boolean; readonly reason: string | undefined };

export class Workers {
  readonly #options: WorkersOptions;
  readonly #links: readonly Link[];
  readonly #writes: Lanes<JobOf<"append" | "commitGroup">>;
  readonly #acks: Lanes<Job<"ack">>;
  readonly #reads: Lanes<Job<"read">>;
  readonly #others: Lanes<JobOf<Name>>;
  readonly #sweep = new Sweep();
  readonly #looks = { duplicate: 0, conflict: 0, lost: 0 };

  constructor(options: WorkersOptions) {
    this.#options = options;
    const links = (count: number) => Array.from({ length: count }, () => new Link(options.connector, options.link));
    const [writeLinks, ackLinks, readLinks, otherLinks] = [writes, acks, reads, others].map(({ lanes }) =>
      links(lanes),
    );
    this.#links = [writeLinks, ackLinks, readLinks, otherLinks].flatMap((some) => some ?? []);
    const linkOf = (some: readonly Link[] | undefined, lane: number) => some?.[lane] as Link;
    this.#writes = new Lanes({ ...writes, run: (batch, lane) => this.#runWrites(linkOf(writeLinks, lane), batch) });
    this.#acks = new Lanes({ ...acks, run: (batch, lane) => this.#runAcks(linkOf(ackLinks, lane), batch) });
    this.#reads = new Lanes({ ...reads, run: (batch, lane) => this.#runReads(linkOf(readLinks, lane), batch) });
    this.#others = new Lanes({ ...others, run: ([job], lane) => this.#runOther(linkOf(otherLinks, lane), job as Job) });
  }

  /** Resolves when one link has connected; rejects with the reason when its first try did not. */
  get firstTry(): Promise<void> {
    return (this.#links[0] as Link).firstTry;
  }

  get stats(): PostgresStats {
    return {
      appendsAfterDuplicate: this.#looks.duplicate,
      appendsAfterConflict: this.#looks.conflict,
      appendsAfterLoss: this.#looks.lost,
      connectionsLost: this.#links.reduce((sum, link) => sum + link.losses, 0),
    };
  }

  get condition(): DatabaseCondition {
    const { connector } = this.#options;
    const isUp = !connector.isSilent && this.#links.some(({ isConnected }) => isConnected);
    const reason = connector.refusal ?? (connector.isSilent ? "no answer" : undefined);
    return { isUp, reason: isUp ? undefined : reason };
  }

  call<N extends Name>(name: N, request: AllCalls[N]["request"]): Promise<AllCalls[N]["answer"]> {
    return new Promise<AllCalls[N]["answer"]>((resolve, reject) => {
      this.#add({ name, request, resolve, reject, ...workOf({ name, request } as Call) } as unknown as JobOf<Name>);
    });
  }

  /** Finishes what was accepted, then ends the connections. */
  async close(): Promise<void> {
    await Promise.all([this.#writes.idle(), this.#acks.idle(), this.#reads.idle(), this.#others.idle()]);
    await Promise.all(this.#links.map((link) => link.close()));
  }

  #add(job: JobOf<Name>): void {
    switch (job.name) {
      case "append":
      case "commitGroup":
        return this.#writes.add(job);
      case "ack":
        return this.#acks.add(job);
      case "read":
        return this.#reads.add(job);
      default:
        return this.#others.add(job);
    }
  }

  /** Appends, or one group's commit: that one fills a batch alone. */
  async #runWrites(link: Link, batch: readonly JobOf<"append" | "commitGroup">[]): Promise<void> {
    const settings = { nowMs: this.#nowMs(), queueDepthMax: this.#options.limits.queueDepthMax };
    const [first] = batch;
    if (first?.name === "commitGroup") return await settle(first, commitGroup(link, first.request, settings));
    const jobs = batch as readonly Job<"append">[];
    try {
      const entries = new AppendBatch(jobs.map(({ request }) => request));
      const onLook = (reason: LookReason) => this.#looks[reason]++;
      const { onStored } = this.#options;
      const answers = await append(link, entries, { ...settings, onLook, onStored });
      let at = 0;
      for (const job of jobs) {
        job.resolve(answers.slice(at, at + job.rows));
        at += job.rows;
      }
    } catch (error) {
      for (const job of jobs) job.reject(error);
    }
  }

  async #runAcks(link: Link, batch: readonly Job<"ack">[]): Promise<void> {
    try {
      const requests = batch.map(({ request }) => request);
      for (const [i, answer] of (await acknowledge(link, requests)).entries()) batch[i]?.resolve(answer);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  async #runReads(link: Link, batch: readonly Job<"read">[]): Promise<void> {
    try {
      const queries = batch.map(({ request }) => request);
      const answers = await read(link, queries, { nowMs: this.#nowMs(), bytesOfOneMax });
      for (const [i, job] of batch.entries()) {
        const answer = answers[i];
        if (answer !== undefined) job.resolve(answer);
        else await settle(job, this.#readAlone(link, job.request));
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  async #readAlone(link: Link, query: ReadQuery): Promise<Calls["read"]["answer"]> {
    const settings = { nowMs: this.#nowMs(), bytesOfOneMax: Number.MAX_SAFE_INTEGER };
    const [answer] = await read(link, [query], settings);
    return answer as NonNullable<typeof answer>;
  }

  #runOther(link: Link, job: Job): Promise<void> {
    return settle(job, this.#carryOut(link, job as JobOf<Name>));
  }

  #carryOut(link: Link, job: JobOf<Name>): Promise<AllCalls[Name]["answer"]> {
    const nowMs = this.#nowMs();
    const { dedupeWindowMs, groupLifeMs } = this.#options.limits;
    switch (job.name) {
      case "putKeyPackage":
        return putKeyPackage(link, job.request, nowMs);
      case "takeKeyPackage":
        return takeKeyPackage(link, job.request, nowMs);
      case "putHybridKey":
        return putHybridKey(link, job.request);
      case "getHybridKeys":
        return getHybridKeys(link, job.request);
      case "sweep":
        return this.#sweep.sweep(link, job.request, { nowMs, dedupeWindowMs, groupLifeMs });
      case "readHeads":
        return readHeads(link, job.request);
      case "probe":
        return probe(link);
      case "append":
      case "commitGroup":
      case "ack":
      case "read":
        throw new Error(`${job.name} has lanes of its own`);
      default:
        return statementHandlers[job.name](link, job.request as never, nowMs);
    }
  }

  #nowMs(): number {
    return wholeMs(this.#options.clock());
  }
}

async function settle<N extends Name>(job: Job<N>, answer: Promise<AllCalls[N]["answer"]>): Promise<void> {
  try {
    job.resolve(await answer);
  } catch (error) {
    job.reject(error);
  }
}

async function probe(link: Link): Promise<undefined> {
  await queryRepeatedly(link, { statement: { name: "probe", text: "SELECT 1" }, values: [] });
}

type Call = { readonly [N in Name]: { readonly name: N; readonly request: AllCalls[N]["request"] } }[Name];

function workOf(call: Call): Work {
  switch (call.name) {
    case "append":
      return { keys: inboxesOf(call.request), rows: call.request.length, bytes: bytesOf(call), isAlone: false };
    case "commitGroup": {
      const { groupId, entries } = call.request;
      return {
        keys: [`group ${latin1(groupId)}`, ...inboxesOf(entries)],
        rows: 1 + entries.length,
        bytes: bytesOf(call),
        isAlone: true,
      };
    }
    case "ack":
    case "read":
      return { keys: [], rows: 1, bytes: 0, isAlone: false };
    case "putKeyPackage":
      return { keys: [latin1(call.request.identity)], rows: 1, bytes: 0, isAlone: true };
    case "takeKeyPackage":
      return { keys: [latin1(call.request)], rows: 1, bytes: 0, isAlone: true };
    default:
      return { keys: [], rows: 1, bytes: 0, isAlone: true };
  }
}

function inboxesOf(entries: readonly Append[]): InboxKey[] {
  return entries.map(({ inbox }) => inbox);
}

function bytesOf<N extends CallName>({ name, request }: { name: N; request: Calls[N]["request"] }): number {
  return codecs[name].bytesOf(request);
}
