/**
 * A Linux network namespace for a test. It has no name and so cannot be left behind: a keeper process holds it, the
 * keeper ends when its standard input does, and that ends with the process that opened it, even by SIGKILL. What was
 * started inside ends with that process too; then the kernel removes the namespace with its links and rules.
 *
 * Needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN); rejects with the reason where that is forbidden.
 */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

// a command of iproute2 or nftables takes some ms; one that hangs must not hang the test
const commandMsMax = 10_000;

export class Namespace implements AsyncDisposable {
  readonly #keeper: ChildProcess;
  readonly #children = new Set<ChildProcess>();

  private constructor(keeper: ChildProcess) {
    this.#keeper = keeper;
  }

  static async open(): Promise<Namespace> {
    const keeper = spawn("unshare", ["--net", "cat"], { stdio: ["pipe", "pipe", "pipe"] });
    let words = "";
    keeper.stderr.on("data", (chunk: Buffer) => {
      words += chunk.toString();
    });
    keeper.stdin.on("error", () => undefined); // it ended: the answer says so
    // the echo says that the keeper is in its new namespace
    keeper.stdin.write("here\n");
    const refused = once(keeper, "close").then(() => Promise.reject(new Error(words.trim())));
    try {
      await Promise.race([once(keeper.stdout, "data"), refused]);
    } catch (cause) {
      throw new Error(`no network namespace: root with CAP_SYS_ADMIN is needed (${(cause as Error).message})`, {
        cause,
      });
    }
    refused.catch(() => undefined); // it ends with the namespace
    return new Namespace(keeper);
  }

  /** Of a process inside, by which others name the namespace. */
  get pid(): number {
    return this.#keeper.pid as number;
  }

  /** Words in front of a program's own that run it inside, and end it with this process. */
  get launcher(): readonly string[] {
    return ["setpriv", "--pdeathsig", "KILL", "--", ...this.#enter];
  }

  /** Killed at the latest when the namespace is disposed of. */
  spawn(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [command = "", ...args] = [...this.launcher, ...argv];
    const child = spawn(command, args, options);
    this.#children.add(child);
    child.on("close", () => this.#children.delete(child));
    return child;
  }

  /** Runs a short command and answers what it printed; throws with what it complained of. */
  run(argv: readonly string[], input = ""): string {
    const [command = "", ...args] = [...this.#enter, ...argv];
    const ran = spawnSync(command, args, { input, encoding: "utf8", timeout: commandMsMax });
    if (ran.status === 0) return ran.stdout;
    const why = ran.error?.message ?? (ran.stderr.trim() || `signal ${ran.signal}`);
    throw new Error(`${argv.join(" ")} in a network namespace (CAP_NET_ADMIN, iproute2 and nftables needed): ${why}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const processes = [...this.#children, this.#keeper].filter(isAlive);
    const ended = processes.map((child) => once(child, "close"));
    for (const child of processes) child.kill("SIGKILL");
    await Promise.all(ended);
  }

  get #enter(): readonly string[] {
    return ["nsenter", `--net=/proc/${this.pid}/ns/net`, "--"];
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}
