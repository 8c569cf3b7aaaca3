/**
 * How often processes ask the kernel to bring a file to the disk while something is done: fsync and fdatasync, counted by
 * strace, which makes each of them slower. What they are for is not seen, so whatever a process syncs on its own counts too.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Ways to sync a file that return once it is on the disk. */
const calls = "fsync,fdatasync";

export async function countFsyncs(pids: readonly number[], during: () => Promise<unknown>): Promise<number> {
  // -z: those that succeeded; --quiet leaves only "attached", which says that counting has begun
  const args = ["-f", "-z", "-e", `trace=${calls}`, "-e", "signal=none", ...pids.flatMap((pid) => ["-p", String(pid)])];
  const strace = spawn("setpriv", ["--pdeathsig=KILL", "--", "strace", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lines = linesOf(strace);
  const exited = once(strace, "exit");
  try {
    await lines.attached(pids);
    await during();
  } finally {
    strace.kill("SIGINT"); // it lets the processes go
    await exited;
  }
  return lines.fsyncs();
}

type Lines = { readonly attached: (pids: readonly number[]) => Promise<void>; readonly fsyncs: () => number };

function linesOf(strace: ChildProcess): Lines {
  let output = "";
  let onOutput: () => void = () => undefined;
  strace.stderr?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    onOutput();
  });
  const isAttached = (pid: number): boolean => new RegExp(`Process ${pid} attached`).test(output);
  return {
    attached: (pids) =>
      new Promise((resolve, reject) => {
        onOutput = () => {
          if (pids.every(isAttached)) resolve();
        };
        strace.once("error", reject);
        strace.once("exit", () => reject(new Error(`strace ended: ${output.slice(-500)}`)));
      }),
    // one that another thread interrupted ends in a line of its own, "<... fdatasync resumed>) = 0"
    fsyncs: () => output.match(/(?:fsync|fdatasync)(?:\(| resumed>).*= 0$/gm)?.length ?? 0,
  };
}
