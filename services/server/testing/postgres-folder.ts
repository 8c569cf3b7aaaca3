/**
 * Folders of test databases. The name tells whose they are, so that what a killed process left behind is found and
 * removed by the next one that needs a folder.
 */
import { spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const prefix = "qpq-postgres-";

/** Postgres refuses to run as root. */
export const isRoot = process.getuid?.() === 0;

export function makeFolder(): string {
  sweepFolders();
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  if (isRoot) {
    const { uid, gid } = postgresUser();
    chownSync(folder, uid, gid);
  }
  return folder;
}

export function removeFolder(folder: string): void {
  // a server that was killed a moment ago may still be writing its last file
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** Ends and removes what dead processes of this machine left. */
function sweepFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]);
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    const folder = join(tmpdir(), name);
    for (const data of dataFoldersIn(folder)) endServerOf(join(folder, data));
    removeFolder(folder);
  }
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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function postgresUser(): { uid: number; gid: number } {
  const numberOf = (flag: string) => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout);
  return { uid: numberOf("-u"), gid: numberOf("-g") };
}
