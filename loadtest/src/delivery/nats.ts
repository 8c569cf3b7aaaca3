/**
 * nats-server: one that can fsync each message is newer than Debian 12's (2.9; `sync_interval: always` came with 2.10), so
 * it is built by the Go tool where there is one, once, and kept in .build/go.
 */
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureAptPackages } from "../../../scripts/apt.ts";
import { certificateFiles } from "quicproquo-server/testing";
import { freePort } from "quicproquo-server/testing/free-port";
import { Program } from "./program.ts";

const version = "v2.15.3";
const folder = fileURLToPath(new URL("../../../.build/go/", import.meta.url));
const built = `${folder}nats-server`;

export type NatsProgram = { readonly command: string; readonly version: string; readonly canFsyncAlways: boolean };

/** `mayBuild`: takes about a minute, the first time. */
export function ensureNats(mayBuild: boolean, say: (text: string) => void): NatsProgram {
  if (mayBuild && !existsSync(built)) build(say);
  if (existsSync(built)) return { command: built, version, canFsyncAlways: true };
  ensureAptPackages(["nats-server"]);
  return { command: "nats-server", version: "2.9 (Debian)", canFsyncAlways: false };
}

function build(say: (text: string) => void): void {
  say(`building nats-server ${version} ...`);
  const args = ["install", "-trimpath", `github.com/nats-io/nats-server/v2@${version}`];
  const go = spawnSync("go", args, { env: { ...process.env, GOBIN: folder, GOFLAGS: "" }, encoding: "utf8" });
  if (go.status !== 0) say(`nats-server cannot be built: ${go.error?.message ?? go.stderr.slice(-500)}`);
}

export type NatsOptions = {
  /** `2m` is its default; `always` before each acknowledgement. */
  readonly fsync: "2m" | "always";
  readonly tls?: boolean;
};

export type Nats = {
  readonly port: number;
  readonly program: Program;
  /** That it does best with: it syncs a stream message by message, but several at the same time. 32 were not faster than 8. */
  readonly streams: number;
};

export async function startNats({ command }: NatsProgram, { fsync, tls = false }: NatsOptions): Promise<Nats> {
  const port = await freePort();
  const program = await Program.start({
    name: "nats",
    tls,
    command: (where) => {
      const file = join(where, "nats.conf");
      const { certificate, key } = certificateFiles;
      const lines = [
        `listen: "127.0.0.1:${port}"`,
        `jetstream { store_dir: "${where}/store"`,
        ...(fsync === "always" ? ["sync_interval: always"] : []),
        "}",
        ...(tls ? [`tls { cert_file: "${join(where, certificate)}", key_file: "${join(where, key)}" }`] : []),
      ];
      writeFileSync(file, `${lines.join("\n")}\n`);
      return [command, "-c", file];
    },
    ready: /Server is ready/,
  });
  return { port, program, streams: fsync === "always" ? 8 : 1 };
}
