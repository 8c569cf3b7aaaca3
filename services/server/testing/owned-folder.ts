/**
 * Temporary folders whose name tells which process they belong to, so that what a killed process left behind is found
 * and removed by the next one that needs a folder.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** `endUse`: ends what may still work in a folder of a dead process. */
export function makeOwnedFolder(prefix: string, endUse?: (folder: string) => void): string {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]);
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    const folder = join(tmpdir(), name);
    endUse?.(folder);
    removeFolder(folder);
  }
  return mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
}

export function removeFolder(folder: string): void {
  // a server that was killed a moment ago may still be writing its last file
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
