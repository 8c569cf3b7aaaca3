/**
 * The cluster's store: Postgres (tested with 15; 14 is the least), shared by any number of front-ends. Promises what
 * port.ts promises; beyond it:
 *
 * - While the database cannot be reached, calls wait for it for unavailableMsMax and are then rejected with
 *   E020_STORE_UNAVAILABLE, further ones at once, until it is back: the store goes on trying by itself.
 * - A commit that waits for the synchronous standby is waited for, however long; then E021_OVERLOADED comes first.
 * - A failover loses nothing that was acknowledged only if a synchronous standby takes over (the server's
 *   synchronous_standby_names); else `raiseStoreEpoch` must follow it.
 * - Wake-ups cross front-ends only with a bus that does, which is handed in.
 */
import { type InboxKey, QpqError } from "quicproquo-proto";
import { CallGates, callDefaults, withinMs } from "../call-gates.ts";
import { WakeupHub } from "../hub.ts";
import type { Clock, Cursor, Store, StoreLimits, WakeupBus } from "../port.ts";
import { type CarryOut, portsOver } from "../ports-over-calls.ts";
import { parseDatabaseUrl } from "./address.ts";
import type { OnStored } from "./appends.ts";
import { Connector, type Session } from "./connector.ts";
import { causeOf, unavailable } from "./failure.ts";
import { cursorsMax } from "./heads.ts";
import { type DatabaseFacts, inspectSession } from "./inspect.ts";
import { applyMigrations, type Migrated, type Raised, raiseEpoch, schemaVersion } from "./schema.ts";
import { type DatabaseCondition, type PostgresStats, Workers } from "./workers.ts";

const postgresDefaults = {
  ...callDefaults,
  /** For each host. */
  connectMsMax: 3_000,
  /** A crashed server is back after about a second; a failover may take longer, and callers try again. */
  unavailableMsMax: 5_000,
  /** Longer than the longest healthy commit, shorter than a client's patience. */
  stallMs: 10_000,
} as const;

export type DatabaseOptions = {
  /** address.ts says what it looks like. */
  readonly url: string;
  /** Asked at each connect. */
  readonly password?: () => Promise<string>;
  readonly connectMsMax?: number;
};

export type PostgresStoreOptions = DatabaseOptions & {
  readonly limits: StoreLimits;
  readonly clock: Clock;
  /** Default: one that does not leave this process. It is the caller's, to close as well. */
  readonly wakeups?: WakeupBus;
  readonly onStored?: OnStored | undefined;
  readonly appendBytesInFlightMax?: number;
  readonly callsInFlightMax?: number;
  readonly healthMsMax?: number;
  readonly unavailableMsMax?: number;
  readonly stallMs?: number;
};

export type PostgresStore = Store & {
  readHeads(cursors: readonly Cursor[]): Promise<readonly InboxKey[]>;
  stats(): PostgresStats;
  /** Of the database: can it be reached just now? */
  database(): DatabaseCondition;
};

/**
 * E046_CONFIG, E037_STORE_SCHEMA (a database that was not migrated). Resolves also when the database is not there: then
 * calls are answered as if it had been lost.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const { limits, clock, wakeups = new WakeupHub(), onStored } = options;
  const { healthMsMax, unavailableMsMax, stallMs, ...bounds } = { ...postgresDefaults, ...options };
  const connector = connectorOf(options);
  const workers = new Workers({ connector, limits, clock, link: { unavailableMsMax, stallMs }, onStored });
  try {
    await workers.firstTry;
  } catch (error) {
    if (!(error instanceof QpqError) || error.code !== "E020_STORE_UNAVAILABLE") {
      await workers.close();
      throw error;
    }
  }
  const gates = new CallGates({ ...bounds, appendsInFlightMax: limits.appendsInFlightMax });
  let closing: Promise<void> | undefined;
  const closed = () => new QpqError("E020_STORE_UNAVAILABLE", { text: "the store is closed" });
  const call: CarryOut = (name, request) => {
    if (closing !== undefined) return Promise.reject(closed());
    return gates.pass({ name, request }, () => workers.call(name, request));
  };
  return {
    ...portsOver(call),
    wakeups,
    health: () => withinMs(healthMsMax, call("probe", undefined)),
    async readHeads(cursors) {
      if (closing !== undefined) throw closed();
      if (cursors.length > cursorsMax) throw new QpqError("E021_OVERLOADED", { fields: { limit: "cursorsMax" } });
      return await workers.call("readHeads", cursors);
    },
    stats: () => workers.stats,
    database: () => workers.condition,
    close: () => (closing ??= workers.close()),
  };
}

/**
 * Brings the database's tables up to date; running front-ends of the version before go on meanwhile. May be called by
 * several at once. E037_STORE_SCHEMA, E020_STORE_UNAVAILABLE. `upTo`: no further than this migration.
 */
export async function migratePostgres(
  options: DatabaseOptions & { readonly clock: Clock; readonly upTo?: number },
): Promise<Migrated> {
  const { clock, upTo = schemaVersion } = options;
  const connector = connectorOf(options, true);
  return await withSession(connector, (session) => applyMigrations(session, { upTo, nowMs: clock() }));
}

/**
 * After a failover that may have lost acknowledged messages: every reader is told epochReset, and no acknowledgement from
 * before removes anything. E037_STORE_SCHEMA, E020_STORE_UNAVAILABLE.
 */
export async function raiseStoreEpoch(options: DatabaseOptions & { readonly clock: Clock }): Promise<Raised> {
  return await withSession(connectorOf(options), (session) => raiseEpoch(session, options.clock()));
}

/** Also of a database without our tables. E020_STORE_UNAVAILABLE, E046_CONFIG. */
export async function inspectDatabase(options: DatabaseOptions & { readonly clock: Clock }): Promise<DatabaseFacts> {
  return await withSession(connectorOf(options, true), (session) => inspectSession(session, options.clock));
}

async function withSession<T>(connector: Connector, body: (session: Session) => Promise<T>): Promise<T> {
  const session = await connector.connect();
  try {
    return await body(session);
  } catch (error) {
    if (error instanceof QpqError) throw error;
    throw unavailable(`the database refused: ${causeOf(error).message}`);
  } finally {
    await session.end();
  }
}

function connectorOf(options: DatabaseOptions, anySchema = false): Connector {
  const { url, password, connectMsMax = postgresDefaults.connectMsMax } = options;
  return new Connector({ address: parseDatabaseUrl(url), password, connectMsMax, anySchema });
}
