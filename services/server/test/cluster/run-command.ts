/** `qpq-server COMMAND`, to its end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const qpqServer = fileURLToPath(new URL("../../bin/qpq-server.mjs", import.meta.url));

type Ended = { readonly code: number; readonly words: string; readonly errors: string };

/** In an empty folder of its own, with nothing in the environment but `env`. */
export async function runCommand(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), "qpq-command-"));
  try {
    const child = spawn(process.execPath, [qpqServer, ...args], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], ...env },
    });
    const [[code], words, errors] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
    return { code: code as number, words, errors };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
