/**
 * How often processes ask the kernel to bring a file to the disk: fsync and fdatasync, counted by strace, which makes each of
 * them slower. What they are for is not seen, so whatever a process syncs on its own counts too.
 */
import { type ChildProcess, spawn } from "node:child_process";

/** Ways to sync a file that return once it is on the disk. */
const calls = "fsync,fdatasync";

export class FsyncCounter {
  readonly #strace: ChildProcess;
  readonly #closed: Promise<unknown>;
  #output = "";

  private constructor(pids: readonly number[]) {
    // -z: those that succeeded
    const args = ["-f", "-z", "-e", `trace=${calls}`, "-e", "signal=none"];
    const ofPids = pids.flatMap((pid) => ["-p", String(pid)]);
    this.#strace = spawn("setpriv", ["--pdeathsig=KILL", "--", "strace", ...args, ...ofPids], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#closed = new Promise((resolve) => this.#strace.once("close", resolve));
  }

  /** Resolves when all their threads are counted; rejects where strace may not look at them, or is not there. */
  static async attach(pids: readonly number[]): Promise<FsyncCounter> {
    const counter = new FsyncCounter(pids);
    await counter.#attached(pids);
    return counter;
  }

  /** Lets the processes go, and answers how often since they were attached. */
  async stop(): Promise<number> {
    this.#strace.kill("SIGINT");
    await this.#closed;
    // one that another thread interrupted ends in a line of its own, "<... fdatasync resumed>) = 0"
    return this.#output.match(/(?:fsync|fdatasync)(?:\(| resumed>).*= 0$/gm)?.length ?? 0;
  }

  #attached(pids: readonly number[]): Promise<void> {
    const isAttached = (pid: number): boolean => new RegExp(`Process ${pid} attached`).test(this.#output);
    let isComplete = false;
    return new Promise((resolve, reject) => {
      this.#strace.stderr?.on("data", (chunk: Buffer) => {
        this.#output += chunk.toString();
        if (isComplete || !pids.every(isAttached)) return;
        isComplete = true;
        resolve();
      });
      this.#strace.once("error", reject);
      this.#strace.once("exit", () => reject(new Error(`strace ended: ${this.#output.slice(-500)}`)));
    });
  }
}
