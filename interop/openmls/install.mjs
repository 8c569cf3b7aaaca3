/**
 * Installs this folder's one dependency into a temporary copy of the folder and loads it: the repository's own
 * node_modules and lock file stay free of it. Fails loudly when npm cannot install it.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const files = ["package.json", "package-lock.json", ".npmrc", "member.mjs"];

/** @returns {Promise<{ OpenMlsMember: typeof import("./member.mjs").OpenMlsMember, remove(): void }>} */
export async function installOpenMls() {
  const copy = mkdtempSync(join(tmpdir(), "qpq-openmls-"));
  const remove = () => rmSync(copy, { recursive: true, force: true });
  try {
    for (const file of files) cpSync(join(folder, file), join(copy, file));
    const npm = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], {
      cwd: copy,
      encoding: "utf8",
      shell: process.platform === "win32",
    });
    if (npm.status !== 0) {
      throw new Error(`npm ci of interop/openmls failed: ${npm.error?.message ?? npm.stderr}`);
    }
    const { OpenMlsMember, loadOpenMls } = await import(pathToFileURL(join(copy, "member.mjs")).href);
    await loadOpenMls();
    return { OpenMlsMember, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
