/**
 * The accounts, for a command: of the cluster in its database; of the embedded store in its file, or, while a server owns
 * that, over the socket at which the server serves it to its own workers.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { QpqError } from "quicproquo-proto";
import type { ServerConfig } from "../config.ts";
import { openConfiguredStore } from "../configured-store.ts";
import { storeSocket } from "../store-socket.ts";
import { connectStore, type Store } from "../store/index.ts";

/** A store that works answers at once, one that is just started again within a second or two. */
const connectMsMax = 5_000;

/** E046_CONFIG, E036_STORE_LOCKED (its owner serves no socket), E037_STORE_SCHEMA, E020_STORE_UNAVAILABLE. */
export async function openAccountStore(config: ServerConfig, again: string): Promise<Store> {
  if (config.cluster !== undefined) return await openConfiguredStore(config, Date.now);
  const file = join(config.dataDir, "qpq.db");
  if (!existsSync(file)) {
    throw new QpqError("E046_CONFIG", {
      text: `there is no store ${file}; name the server's folder with --data-dir, or its cluster by QPQ_STORE and QPQ_DATABASE_URL`,
    });
  }
  try {
    return await openConfiguredStore(config, Date.now);
  } catch (error) {
    if (!(error instanceof QpqError) || error.code !== "E036_STORE_LOCKED") throw error;
  }
  const path = storeSocket(config.dataDir);
  try {
    return await connectStore({ path, limits: config, connectMsMax });
  } catch (cause) {
    throw new QpqError("E036_STORE_LOCKED", {
      text: `a server owns ${file} and does not answer at ${path}; stop it, then: ${again}`,
      cause,
    });
  }
}
