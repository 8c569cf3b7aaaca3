/** qpq as a process of its own. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ServerProcess } from "quicproquo-server/testing";

export const program = fileURLToPath(new URL("../bin/qpq.mjs", import.meta.url));

export type Run = { readonly code: number | null; readonly out: string; readonly err: string };
export type Setting = { readonly env?: Readonly<Record<string, string>>; readonly stdin?: string };

export type Place = {
  readonly server: ServerProcess;
  readonly folder: string;
  /** Names the state file in `folder`. */
  readonly who: string;
};

/** With the server's static token. */
export function environmentOf({ server, folder, who }: Place): Readonly<Record<string, string | undefined>> {
  return {
    PATH: process.env["PATH"],
    QPQ_SERVER: `127.0.0.1:${server.port}`,
    QPQ_CA_CERT: server.certificateFile,
    QPQ_AUTH_TOKEN: server.token,
    QPQ_STATE: join(folder, `${who}.bin`),
  };
}

export function runQpq(place: Place, args: readonly string[], { env = {}, stdin = "" }: Setting = {}): Promise<Run> {
  const child = spawn(process.execPath, [program, ...args], { env: { ...environmentOf(place), ...env } });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin);
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}
