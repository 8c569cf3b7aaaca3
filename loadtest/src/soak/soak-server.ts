/** What a soak runs on: two front-ends on a cluster, or one process on the embedded store; with times that fit the run. */
import { ensurePostgres, ensureRedis } from "../../../scripts/apt.ts";
import type { StoreName } from "../crowd/flags.ts";
import { type Cluster, startCluster } from "../delivery/cluster.ts";
import { collectingProgram } from "../delivery/collecting.ts";
import { type FrontEnd, startEmbedded, startFrontEnd } from "../delivery/front-ends.ts";
import { tokensMax } from "./people.ts";

export type SoakServer = { readonly cluster: Cluster | undefined; readonly frontEnds: readonly FrontEnd[] };

/**
 * By its length: what is kept for a time must have reached its amount before the second quarter. Never so short that a
 * message which waits for its reader on a busy machine expires, which would look like a loss.
 */
export function keptForSecs(minutes: number): number {
  return Math.max(30, Math.min(300, Math.round((minutes * 60) / 6)));
}

const many = 1_000_000;

export async function startSoakServer(
  { store, minutes }: { readonly store: StoreName; readonly minutes: number },
  started: AsyncDisposableStack,
): Promise<SoakServer> {
  const options = {
    program: collectingProgram,
    settings: {
      "dedupe-window-secs": keptForSecs(minutes),
      "message-life-secs": keptForSecs(minutes),
      "tokens-max": tokensMax,
      "connections-per-address-max": 20_000,
      "login-attempts-per-minute": many,
      "login-address-attempts-per-minute": many,
      "login-account-attempts-per-minute": many,
      "registrations-per-hour": many,
    },
  };
  if (store === "embedded") return { cluster: undefined, frontEnds: [started.use(await startEmbedded(options))] };
  ensurePostgres();
  ensureRedis();
  const cluster = started.use(await startCluster(databaseSettings(minutes)));
  const frontEnds: FrontEnd[] = [];
  for (let i = 0; i < 2; i++) frontEnds.push(started.use(await startFrontEnd(cluster.address, options)));
  return { cluster, frontEnds };
}

/** Checkpoints and vacuum often enough that a short run sees some of both in each quarter. */
function databaseSettings(minutes: number): Record<string, string> {
  const seconds = minutes * 60;
  return {
    checkpoint_timeout: `${Math.max(30, Math.min(300, Math.round(seconds / 12)))}s`,
    max_wal_size: "1GB",
    autovacuum_naptime: `${Math.max(1, Math.min(60, Math.round(seconds / 30)))}s`,
  };
}
