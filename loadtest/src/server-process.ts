/** A real qpq-server on a free port and a fresh folder, for one measurement. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../services/server/bin/qpq-server.mjs", import.meta.url));

export type ServerProcess = AsyncDisposable & {
  readonly port: number;
  readonly token: string;
  readonly certificate: Buffer;
};

/** `settings` as flags without dashes: { "queue-depth-max": 1000000 }. */
export async function startServerProcess(settings: Readonly<Record<string, string | number>>): Promise<ServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), "qpq-bench-"));
  const flags = { host: "127.0.0.1", port: 0, "ops-port": 0, "data-dir": folder, "log-level": "warn", ...settings };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    let words = "";
    child.stdout.on("data", (chunk: Buffer) => {
      words += chunk.toString();
      const listening = /listens on \S+ port (\d+)/.exec(words);
      if (listening !== null) resolve(Number(listening[1]));
    });
    child.on("close", (code) => reject(new Error(`qpq-server ended with code ${code}`)));
  });
  return {
    port,
    token: readFileSync(join(folder, "auth-token"), "utf8").trim(),
    certificate: readFileSync(join(folder, "server-cert.der")),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
