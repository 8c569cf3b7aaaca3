/** Starts server-process.ts, asks it what it uses, and kills it: with SIGKILL, as a crash would. */
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { QuicLimits } from "../src/quic/index.ts";
import type { TestCertificate } from "./certificate.ts";
import type { ServerProcessOptions, ServerUse } from "./server-process.ts";

const program = fileURLToPath(new URL("server-process.ts", import.meta.url));

export class ServerChild {
  readonly #options: ServerProcessOptions;
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(options: ServerProcessOptions, child: ChildProcess) {
    this.#options = options;
    this.#child = child;
    this.port = options.port;
  }

  static start(
    certificate: TestCertificate,
    limits: Partial<QuicLimits> = {},
    transport: ServerProcessOptions["transport"] = "quic",
  ): Promise<ServerChild> {
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
    return ServerChild.#start({
      transport,
      port: 0,
      certificate: base64(certificate.certificate),
      privateKey: base64(certificate.privateKey),
      resetKey: base64(randomBytes(32)),
      limits,
    });
  }

  static async #start(options: ServerProcessOptions): Promise<ServerChild> {
    const child = fork(program);
    child.send(options);
    const [{ port }] = (await once(child, "message")) as [{ port: number }];
    return new ServerChild({ ...options, port }, child);
  }

  /** False when it has ended, by itself or by kill. */
  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async use(): Promise<ServerUse> {
    this.#child.send("use");
    const [use] = (await once(this.#child, "message")) as [ServerUse];
    return use;
  }

  async kill(): Promise<void> {
    if (!this.isAlive) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }

  /** Another process with the same keys on the same port; the first must be dead. */
  replace(): Promise<ServerChild> {
    return ServerChild.#start(this.#options);
  }
}
