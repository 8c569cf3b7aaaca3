/** Starts measured-server.ts and asks it. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServerKeys } from "../e2e/raw-client.ts";

type Started = {
  readonly port: number;
  readonly opsPort: number;
  readonly token: string;
  readonly certificate: string;
};
export type Told = Started | { readonly bytes: number };

type MeasuredServer = AsyncDisposable & {
  readonly keys: ServerKeys;
  readonly opsPort: number;
  /** Bytes of the heap and outside it that are in use. */
  bytes(): Promise<number>;
};

export async function startMeasuredServer(): Promise<MeasuredServer> {
  const dataDir = mkdtempSync(join(tmpdir(), "qpq-memory-"));
  const flags = { host: "127.0.0.1", port: 0, "ops-port": 0, "data-dir": dataDir, "fetch-wait-ms-max": 600_000 };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = fork(new URL("./measured-server.ts", import.meta.url), args, { execArgv: ["--expose-gc"] });
  const ended = once(child, "exit");
  const next = async <T>(): Promise<T> => {
    const told = once(child, "message");
    const [first] = await Promise.race([told, ended.then(() => Promise.reject(new Error("the server ended")))]);
    return first as T;
  };
  const { port, opsPort, token, certificate } = await next<Started>();
  return {
    keys: { port, token, certificate: Buffer.from(certificate, "base64") },
    opsPort,
    async bytes() {
      child.send("measure");
      return (await next<{ readonly bytes: number }>()).bytes;
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await ended;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
