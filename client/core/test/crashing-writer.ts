/**
 * A process that writes a state file and dies by SIGKILL at the moment of the rename: the new file is written and
 * synced, the old one not yet replaced. Argument: the path.
 */
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { generateClientState, writeStateFile } from "quicproquo-core";

fs.rename = () => {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {}); // the signal ends the process before anything else runs
};
syncBuiltinESMExports();

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error("the path is missing");
await writeStateFile(path, generateClientState());
