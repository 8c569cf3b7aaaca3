/** A broker as a child process with a folder of its own; it ends with this process, however that ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { certificateFiles, writeCertificateFiles } from "quicproquo-server/testing";
import { makeOwnedFolder, removeFolder } from "quicproquo-server/testing/owned-folder";

export type ProgramOptions = {
  readonly name: string;
  /** Puts a certificate for localhost and its key into the folder, before the command. */
  readonly tls?: boolean;
  readonly command: (folder: string) => readonly string[];
  readonly env?: (folder: string) => Readonly<Record<string, string>>;
  /** Stands in its output once it can be used. */
  readonly ready: RegExp;
};

const startMsMax = 60_000;

export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    process.on("exit", this.#remove);
  }

  static async start({ name, tls = false, command, env = () => ({}), ready }: ProgramOptions): Promise<Program> {
    const folder = makeOwnedFolder(`qpq-bench-${name}-`);
    if (tls) await writeCertificateFiles(folder);
    const child = spawn("setpriv", ["--pdeathsig=KILL", "--", ...command(folder)], {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: folder,
      env: { PATH: process.env["PATH"], HOME: folder, LANG: "C.UTF-8", ...env(folder) },
    });
    const program = new Program(child, folder);
    try {
      await saidOf(child, ready, name);
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
    return program;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** PEM, of one with `tls`: what its clients trust. */
  get certificateFile(): string {
    return join(this.#folder, certificateFiles.certificate);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await exited;
    }
    process.off("exit", this.#remove);
    this.#remove();
  }

  #remove = (): void => removeFolder(this.#folder);
}

/** Resolves when the output matches; what comes later is read and dropped. */
function saidOf(child: ChildProcess, ready: RegExp, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let output: string | undefined = "";
    const fail = (what: string): void => reject(new Error(`${name} ${what}: ${output?.slice(-1_000)}`));
    const timer = setTimeout(() => fail("does not start"), startMsMax);
    const settle = (): void => {
      clearTimeout(timer);
      output = undefined;
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        if (output === undefined) return;
        output += chunk.toString();
        if (!ready.test(output)) return;
        settle();
        resolve();
      });
    }
    child.once("error", reject);
    child.once("exit", (code) => {
      if (output === undefined) return;
      fail(`ended with code ${code}`);
      settle();
    });
  });
}
