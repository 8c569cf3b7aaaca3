/** A real qpq-server as a process of its own on free ports: for tests, the bench and the demo. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.ts";
import { testOpaqueSetup } from "./opaque-setup.ts";

export { certificateFiles, writeCertificateFiles } from "./certificate-files.ts";

/** On a machine that is busy with tests. */
const startMsMax = 120_000;
const qpqServer = fileURLToPath(new URL("../bin/qpq-server.mjs", import.meta.url));

export type ServerProcessOptions = {
  /** Data folder, kept at the end. Default: a new one, removed at the end. */
  readonly dataDir?: string;
  /** 0 = any free one. Default: one that is free (free-port.ts). */
  readonly port?: number;
  /** Flags without dashes: { "queue-depth-max": 1000 }; true for one without a value. */
  readonly settings?: Readonly<Record<string, string | number | true>>;
  readonly env?: Readonly<Record<string, string>>;
  /** On the cluster's store instead of one in its folder. */
  readonly cluster?: ClusterAddress;
  /** Another program with the same arguments and the same words. Default: qpq-server. */
  readonly program?: string;
  /** Words in front of the program's own, e.g. those that start it in a network namespace. */
  readonly launcher?: readonly string[];
};

/** As the variables QPQ_DATABASE_URL, QPQ_REDIS_URL and QPQ_REDIS_MODE have it. */
export type ClusterAddress = {
  readonly databaseUrl: string;
  /** Default: no Redis. */
  readonly redisUrl?: string;
  readonly redisMode?: "single" | "cluster";
};

export type ServerProcess = AsyncDisposable & {
  readonly pid: number;
  readonly port: number;
  /** TCP; undefined where the words don't tell. */
  readonly websocketPort: number | undefined;
  readonly opsPort: number;
  readonly dataDir: string;
  /** What it printed at its start. */
  readonly words: string;
  /** The static one; empty where there is none. */
  readonly token: string;
  readonly certificateFile: string;
  /** What was in it at the start. */
  readonly certificate: Uint8Array;
  /** Log lines so far. */
  log(): string;
  /** Resolves with the exit code, or null when a signal ended it. */
  readonly ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): Promise<number | null>;
};

/** Resolves when it listens; rejects with what it wrote when it ends before. */
export async function startServerProcess(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "qpq-server-"));
  const flags: Record<string, string | number | true> = {
    host: "127.0.0.1",
    port: options.port ?? (await freePort()),
    "ops-port": 0,
    "data-dir": dataDir,
    ...options.settings,
  };
  const args = Object.entries(flags).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
  const file = options.program ?? qpqServer;
  const program = [process.execPath, ...nodeFlagsOf(file), file];
  const [command = "", ...commandArgs] = [...(options.launcher ?? []), ...program, ...args];
  const child = spawn(command, commandArgs, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], ...environmentOf(options.cluster), ...options.env },
  });
  let words = "";
  let log = "";
  child.stdout.on("data", (chunk: Buffer) => {
    words += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const cleanUp = (): void => {
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
  };
  // its end is what rejects
  const late = setTimeout(() => child.kill("SIGKILL"), startMsMax);
  const listening = new Promise<RegExpExecArray>((resolve, reject) => {
    child.stdout.on("data", () => {
      const found = /listens on \S+ port (\d+)[\s\S]*:(\d+)\/(?:metrics|readyz)[\s\S]*\n$/.exec(words);
      if (found !== null) resolve(found);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      reject(new Error(`qpq-server ended with code ${code}: ${log}`));
    });
  });
  const ports = await listening
    .catch((error: unknown) => {
      cleanUp();
      throw error;
    })
    .finally(() => clearTimeout(late));
  const certificateFile = String(flags["tls-cert"] ?? join(dataDir, "server-cert.der"));
  const tokenFile = join(dataDir, "auth-token");
  const kill = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return await ended;
  };
  return {
    pid: child.pid as number,
    port: Number(ports[1]),
    websocketPort: websocketPortIn(words),
    opsPort: Number(ports[2]),
    dataDir,
    words,
    token: options.env?.["QPQ_AUTH_TOKEN"] ?? (existsSync(tokenFile) ? readFileSync(tokenFile, "utf8").trim() : ""),
    certificateFile,
    certificate: readFileSync(certificateFile),
    log: () => log,
    ended,
    kill,
    async [Symbol.asyncDispose]() {
      await kill("SIGKILL");
      cleanUp();
    },
  };
}

/** Those of its first line; a program without one has qpq-server's. */
function nodeFlagsOf(file: string): readonly string[] {
  const [firstLine = ""] = readFileSync(file, "utf8").split("\n", 1);
  if (!firstLine.startsWith("#!")) return nodeFlagsOf(qpqServer);
  return firstLine.match(/--\S+/g) ?? [];
}

/** Its URLs are secrets, so there are no flags for them. */
function environmentOf(cluster: ClusterAddress | undefined): Record<string, string> {
  if (cluster === undefined) return {};
  const { databaseUrl, redisUrl = "", redisMode = "single" } = cluster;
  return {
    QPQ_STORE: "cluster",
    QPQ_DATABASE_URL: databaseUrl,
    QPQ_REDIS_URL: redisUrl,
    QPQ_REDIS_MODE: redisMode,
    QPQ_OPAQUE_SETUP: testOpaqueSetup,
  };
}

function websocketPortIn(words: string): number | undefined {
  const found = /^websocket +port (\d+)/m.exec(words);
  return found === null ? undefined : Number(found[1]);
}
