/**
 * A Postgres primary and its synchronous standby: no commit is answered before the standby has it. After a failover the
 * standby is the primary, and a new standby follows it at the other port.
 */
import { migratePostgres } from "../../../src/store/index.ts";
import { PostgresCluster, TestDatabase } from "../../../testing/postgres.ts";

const database = "qpq";
const settings = {
  listen_addresses: "*",
  shared_buffers: "64MB",
  // a standby whose primary was away looks again soon
  wal_retrieve_retry_interval: "200ms",
} as const;
const synchronous = { synchronous_standby_names: "ANY 1 (*)" } as const;
// the front-ends' networks
const access = ["host all all 10.78.0.0/16 trust"];

export class DatabasePair implements AsyncDisposable {
  /** Of both, whichever is the primary. */
  readonly ports: readonly number[];
  #primary: PostgresCluster;
  #standby: PostgresCluster;

  private constructor(primary: PostgresCluster, standby: PostgresCluster) {
    this.#primary = primary;
    this.#standby = standby;
    this.ports = [primary.port, standby.port];
  }

  /** With our tables. */
  static async start(): Promise<DatabasePair> {
    await using stack = new AsyncDisposableStack();
    const primary = stack.use(await PostgresCluster.start({ settings, access }));
    await new TestDatabase(primary, "postgres").query(`CREATE DATABASE ${database}`);
    await migratePostgres({ url: primary.url(database), clock: Date.now });
    const standby = stack.use(await PostgresCluster.standbyOf(primary, "standby", synchronous));
    const pair = new DatabasePair(primary, standby);
    await pair.query(`ALTER SYSTEM SET synchronous_standby_names = '${synchronous.synchronous_standby_names}'`);
    await pair.query("SELECT pg_reload_conf()");
    await pair.#standbyFollows();
    stack.move();
    return pair;
  }

  /** As a front-end names them that reaches both at `host`. */
  url(host: string): string {
    const hosts = this.ports.map((port) => `${host}:${port}`);
    return `postgres://qpq@${hosts.join()}/${database}?sslmode=disable&target_session_attrs=read-write`;
  }

  /** On a connection of its own to the primary. */
  async query(sql: string): Promise<Record<string, unknown>[]> {
    return await new TestDatabase(this.#primary, database).query(sql);
  }

  /** As if the primary had crashed, and up again. */
  async restart(): Promise<void> {
    await this.#primary.stop("immediate");
    await this.#primary.startAgain();
  }

  /** The primary is killed, the standby takes its place; resolves when another standby follows it. */
  async failOver(): Promise<void> {
    const lost = this.#primary;
    await lost.stop("kill");
    await this.#standby.promote();
    this.#primary = this.#standby;
    await lost[Symbol.asyncDispose]();
    this.#standby = await PostgresCluster.standbyOf(this.#primary, "standby", { ...synchronous, port: lost.port });
    await this.#standbyFollows();
  }

  async withoutStandby(body: () => Promise<void>): Promise<void> {
    await this.#standby.stop("immediate");
    await body();
    await this.#standby.startAgain();
    await this.#standbyFollows();
  }

  /** Every append, read and acknowledgement waits so long. */
  async lockTables(seconds: number): Promise<void> {
    await this.query(`BEGIN; LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(${seconds}); COMMIT`);
  }

  /**
   * The standby is away, commits wait for it, and somebody cancels those that wait: what they did stands on the primary
   * alone. Then the primary is lost. Answers how many were cancelled.
   */
  async cancelThenFailOver(isEnough: (cancelled: number) => boolean): Promise<number> {
    await this.#standby.stop("immediate");
    let cancelled = 0;
    do {
      const rows = await this.query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
      cancelled += rows.length;
    } while (!isEnough(cancelled));
    await this.#primary.stop("kill");
    await this.#standby.startAgain();
    await this.failOver();
    return cancelled;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#standby[Symbol.asyncDispose]();
    await this.#primary[Symbol.asyncDispose]();
  }

  /** Asked again and again: it has no event. */
  async #standbyFollows(): Promise<void> {
    const states = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum')";
    while ((await this.query(states)).length === 0);
  }
}
