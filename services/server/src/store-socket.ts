/**
 * Where the process that owns the embedded store serves it: a Unix socket in the data folder, which is its owner's alone,
 * as the file beside it is. Workers come there, and commands.
 */
import { join, relative } from "node:path";
import { socketOf } from "./processes/messages.ts";

/** Seen from the working folder where that is shorter: a longer name than 107 bytes is refused by the system. */
export function storeSocket(dataDir: string): string {
  const path = join(dataDir, "run", socketOf.store);
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}
