/** Folders of test databases: owned by the user that Postgres runs as, and rid of servers whose test process was killed. */
import { spawnSync } from "node:child_process";
import { chownSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeOwnedFolder } from "./owned-folder.ts";

const prefix = "qpq-postgres-";

/** Postgres refuses to run as root. */
export const isRoot = process.getuid?.() === 0;

export function makeFolder(): string {
  const folder = makeOwnedFolder(prefix, (folder) => {
    for (const data of dataFoldersIn(folder)) endServerOf(join(folder, data));
  });
  if (isRoot) {
    const { uid, gid } = postgresUser();
    chownSync(folder, uid, gid);
  }
  return folder;
}

function dataFoldersIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith("data"));
  } catch {
    return []; // another process was quicker
  }
}

function endServerOf(dataFolder: string): void {
  try {
    const [pid] = readFileSync(join(dataFolder, "postmaster.pid"), "utf8").split("\n");
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    // the number may be another program's by now
    if (command.includes(dataFolder)) process.kill(Number(pid), "SIGKILL");
  } catch {
    // it has ended
  }
}

function postgresUser(): { uid: number; gid: number } {
  const numberOf = (flag: string) => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout);
  return { uid: numberOf("-u"), gid: numberOf("-g") };
}
