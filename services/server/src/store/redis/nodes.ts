/**
 * The nodes of one Redis, or of a Redis Cluster: a link to each that serves a partition. What a cluster looks like is
 * asked at the start, when a link is lost (a slot may have moved, a replica taken over) and every refreshMs, of one node
 * after the other until one answers.
 */
import type { RedisAddress, RedisHost, RedisMode } from "./address.ts";
import { type ConnectionLimits, RedisConnection } from "./connection.ts";
import { NodeLink, type NodeLinkParts } from "./node-link.ts";
import { type Partition, partitionCount, partitions } from "./partitions.ts";
import { hostOf, nameOf, type Plan, readPlan } from "./plan.ts";

export type NodesParts = Pick<NodeLinkParts, "sender" | "probeMs" | "onUp" | "onDown" | "onFrame"> & {
  readonly address: RedisAddress;
  readonly mode: RedisMode;
  readonly limits: ConnectionLimits;
};

const refreshMs = 30_000;
/** After a loss; several at once are one refresh. Shortened by up to a half. */
const refreshPauseMs = 1_000;

type Known = { readonly link: NodeLink; readonly partitions: readonly Partition[] };

export class RedisNodes {
  readonly #parts: NodesParts;
  readonly #known = new Map<string, Known>();
  readonly #closing = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isSoon = false;
  #isRefreshing = false;
  #failures = 0;
  #failure: string | undefined;
  /** Of links that are no more. */
  #losses = 0;
  #deafnesses = 0;
  #nextHost = 0;
  #next = 0;

  constructor(parts: NodesParts) {
    this.#parts = parts;
    if (parts.mode === "cluster")
      void this.#refresh(); // never rejects
    else this.#apply(new Map([[nameOf(parts.address.hosts[0] as RedisHost), partitions]]));
  }

  /** Every partition is served by a node that we are connected to. */
  get areUp(): boolean {
    let served = 0;
    for (const { link, partitions: of } of this.#known.values()) if (link.isUp) served += of.length;
    return served === partitionCount;
  }

  /** Why not all of them are up: the last of the reasons. */
  get failure(): string | undefined {
    return this.areUp ? undefined : this.#failure;
  }

  /** Connections lost; those of them that were deaf; tries to connect that failed, and connections that were lost. */
  get counts(): { readonly losses: number; readonly deafnesses: number; readonly failures: number } {
    let losses = this.#losses;
    let deafnesses = this.#deafnesses;
    for (const { link } of this.#known.values()) {
      losses += link.losses;
      deafnesses += link.deafnesses;
    }
    return { losses, deafnesses, failures: this.#failures };
  }

  /** One that takes a batch of hints now, in turn. */
  idleLink(): NodeLink | undefined {
    const links = [...this.#known.values()].map(({ link }) => link);
    for (let i = 0; i < links.length; i++) {
      const link = links[(this.#next + i) % links.length] as NodeLink;
      if (!link.isIdle) continue;
      this.#next = (this.#next + i + 1) % links.length;
      return link;
    }
    return undefined;
  }

  /** That of the partition's node, if we are connected to it. */
  linkOf(partition: Partition): NodeLink | undefined {
    for (const { link, partitions: of } of this.#known.values()) if (of.includes(partition) && link.isUp) return link;
    return undefined;
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
    for (const { link } of this.#known.values()) link.close();
  }

  #onDown(reason: string): void {
    this.#failures++;
    this.#failure = reason;
    this.#parts.onDown(reason);
    if (this.#parts.mode === "cluster") this.#refreshSoon();
  }

  #refreshSoon(): void {
    if (this.#isSoon || this.#isRefreshing || this.#closing.signal.aborted) return;
    this.#isSoon = true;
    this.#refreshIn(refreshPauseMs * (1 - Math.random() / 2));
  }

  #refreshIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#refresh(), ms);
  }

  async #refresh(): Promise<void> {
    this.#isSoon = false;
    this.#isRefreshing = true;
    const plan = await this.#ask();
    this.#isRefreshing = false;
    if (this.#closing.signal.aborted) return;
    if (typeof plan === "string") this.#onDown(plan);
    else this.#apply(plan);
    if (this.areUp) this.#refreshIn(refreshMs);
    else this.#refreshSoon();
  }

  /** The nodes that we know of, then those of the settings: one after the other, one a refresh. Else why not. */
  async #ask(): Promise<Plan | string> {
    const { address, limits } = this.#parts;
    const hosts = [...this.#known.keys()].map(hostOf).concat(address.hosts);
    const host = hosts[this.#nextHost++ % hosts.length] as RedisHost;
    try {
      const connection = await RedisConnection.open(address, host, limits, this.#closing.signal);
      try {
        return readPlan(await connection.call(["CLUSTER", "SLOTS"]), host);
      } finally {
        connection.destroy();
      }
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Links whose partitions stay the same stay. */
  #apply(plan: Plan): void {
    for (const [name, { link, partitions: before }] of this.#known) {
      if (isSame(before, plan.get(name))) continue;
      link.close();
      this.#losses += link.losses;
      this.#deafnesses += link.deafnesses;
      this.#known.delete(name);
    }
    for (const [name, of] of plan) if (!this.#known.has(name)) this.#known.set(name, this.#linkTo(name, of));
  }

  #linkTo(name: string, of: readonly Partition[]): Known {
    const { address, limits, sender, probeMs, onUp, onFrame } = this.#parts;
    const open = (signal: AbortSignal) => RedisConnection.open(address, hostOf(name), limits, signal);
    const onDown = (reason: string) => this.#onDown(reason);
    return { link: new NodeLink({ open, partitions: of, sender, probeMs, onUp, onDown, onFrame }), partitions: of };
  }
}

function isSame(before: readonly Partition[], after: readonly Partition[] | undefined): boolean {
  return before.length === after?.length && before.every((partition, i) => partition === after[i]);
}
