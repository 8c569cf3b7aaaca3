/** One server process that a crowd comes to, on the store that was asked for; it takes them all from one address. */
import { ensurePostgres, ensureRedis } from "../../../scripts/apt.ts";
import { type Cluster, startCluster } from "../delivery/cluster.ts";
import { collectingProgram } from "../delivery/collecting.ts";
import { type FrontEnd, startEmbedded, startFrontEnd } from "../delivery/front-ends.ts";
import type { StoreName } from "./flags.ts";

export type CrowdStore = { readonly name: StoreName; readonly cluster: Cluster | undefined };

export async function startCrowdStore(name: StoreName, started: AsyncDisposableStack): Promise<CrowdStore> {
  if (name === "embedded") return { name, cluster: undefined };
  ensurePostgres();
  ensureRedis();
  return { name, cluster: started.use(await startCluster()) };
}

export type CrowdFrontEndOptions = {
  readonly clientsMax: number;
  readonly settings?: Readonly<Record<string, number>>;
  /** Where one that was killed has left its data, and the port it had. */
  readonly after?: FrontEnd;
};

/** Beside the clients: senders, and connections that the server does not know to be dead yet. */
const otherConnections = 1_000;

export async function startCrowdFrontEnd(store: CrowdStore, options: CrowdFrontEndOptions): Promise<FrontEnd> {
  const { clientsMax, settings, after } = options;
  const connectionsMax = 2 * clientsMax + otherConnections;
  const given = {
    program: collectingProgram,
    // all come from 127.0.0.1
    settings: { "connections-max": connectionsMax, "connections-per-address-max": connectionsMax, ...settings },
    ...(after !== undefined && { dataDir: after.process.dataDir, port: after.process.port }),
  };
  return await (store.cluster === undefined ? startEmbedded(given) : startFrontEnd(store.cluster.address, given));
}
