/**
 * The store of a front-end whose file another process owns (serve.ts). Promises what port.ts promises; beyond it:
 *
 * - calls in flight when the owner is lost are rejected with E020_STORE_UNAVAILABLE, and each stands as a whole or not at
 *   all; until the owner is back calls are rejected at once, and then everybody who listens looks once more;
 * - appendsInFlightMax is held here for one front-end and by the owner for all.
 *
 * Why a Unix socket and frames of our own: with 256 calls in flight 290,000 calls/s crossed it, 160,000 a child process's
 * channel as packed bytes and 115,000 as objects (its "advanced" serialization); one call alone took 33 us there and
 * back instead of 57. 256 callers that append to SQLite get 27,000/s with it and without.
 */
import { QpqError } from "quicproquo-proto";
import { CallGates, callDefaults, withinMs } from "../call-gates.ts";
import type { Store, StoreLimits } from "../port.ts";
import { type CarryOut, portsOver } from "../ports-over-calls.ts";
import { StoreClient } from "./client.ts";

const connectDefaults = {
  ...callDefaults,
  /** Opening the store's file, with a check of what a crash left, takes well under a second. */
  connectMsMax: 10_000,
} as const;

export type ConnectOptions = {
  /** Of the Unix socket that serveStore made. */
  readonly path: string;
  readonly limits: Pick<StoreLimits, "appendsInFlightMax">;
  readonly appendBytesInFlightMax?: number;
  readonly callsInFlightMax?: number;
  readonly healthMsMax?: number;
  readonly connectMsMax?: number;
};

/** Throws E020_STORE_UNAVAILABLE when the owner is not there after connectMsMax. */
export async function connectStore(options: ConnectOptions): Promise<Store> {
  const { healthMsMax, connectMsMax, ...limits } = { ...connectDefaults, ...options, ...options.limits };
  const client = new StoreClient(options.path);
  try {
    await withinMs(connectMsMax, client.open());
  } catch (error) {
    await client.close();
    throw error;
  }
  const gates = new CallGates(limits);
  let closing: Promise<void> | undefined;
  const call: CarryOut = async (name, request) => {
    if (closing !== undefined) throw new QpqError("E020_STORE_UNAVAILABLE", { text: "the store is closed" });
    return await gates.pass({ name, request }, () => client.call(name, request));
  };
  return {
    ...portsOver(call),
    wakeups: client.wakeups,
    health: () => withinMs(healthMsMax, call("probe", undefined)),
    close: () => (closing ??= client.close()),
  };
}
