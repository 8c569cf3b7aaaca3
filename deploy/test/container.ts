/**
 * A process in namespaces of its own, as a container engine starts it: another root, read-only, with volumes and tmpfs over
 * it; a network of its own; process number 1; a user without any capability. What engines add beyond that (seccomp, cgroups)
 * is not there.
 */
import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Namespace } from "../../services/transport/testing/index.ts";

type Mount = { readonly source: string; readonly target: string };

export type ContainerOptions = {
  readonly network: Namespace;
  readonly root: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** Number of the user and of its only group. */
  readonly user: number;
  /** Written to, if the user may. */
  readonly mounts: readonly Mount[];
  /** As the compose file has them: `/tmp:mode=1777`. */
  readonly tmpfs?: readonly string[];
};

export class Container implements AsyncDisposable {
  readonly ended: Promise<number | null>;
  readonly #options: ContainerOptions;
  readonly #launcher: ChildProcess;
  #output = "";

  constructor(options: ContainerOptions) {
    this.#options = options;
    const { network, command, env } = options;
    const inside = ["unshare", "--mount", "--pid", "--fork", "--propagation", "private"];
    const argv = [...inside, "sh", "-euc", mountScript(options), "sh", ...asUser(options), ...command];
    this.#launcher = network.spawn(argv, { stdio: ["ignore", "pipe", "pipe"], env });
    for (const stream of [this.#launcher.stdout, this.#launcher.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    }
    this.ended = once(this.#launcher, "close").then(([code]) => code as number | null);
  }

  /** What it has written so far. */
  get output(): string {
    return this.#output;
  }

  get hasEnded(): boolean {
    return this.#launcher.exitCode !== null || this.#launcher.signalCode !== null;
  }

  /** A command beside it, as `docker exec` and health checks run it. Code null: it does not run. */
  exec(command: readonly string[]): { readonly code: number | null; readonly output: string } {
    const first = this.#firstProcess();
    if (first === undefined) return { code: null, output: "the container does not run" };
    const enter = ["nsenter", `--target=${first}`, "--mount", "--pid", "--net", "--root", "--"];
    const [program = "", ...args] = [...enter, ...asUser({ ...this.#options, root: "" }), ...command];
    const ran = spawnSync(program, args, { env: this.#options.env, encoding: "utf8", timeout: 60_000 });
    return { code: ran.status, output: ran.stdout + ran.stderr };
  }

  /** To process 1, as `docker stop` does; resolves with its exit code. */
  async stop(): Promise<number | null> {
    const first = this.#firstProcess();
    if (first !== undefined) process.kill(first, "SIGTERM");
    return await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // what asUser asks the kernel for: the container ends with it
    this.#launcher.kill("SIGKILL");
    await this.ended;
  }

  /** Its number here; undefined: not yet, or no more. */
  #firstProcess(): number | undefined {
    const { pid } = this.#launcher;
    try {
      return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")) || undefined;
    } catch {
      return undefined;
    }
  }
}

function mountScript({ root, mounts, tmpfs = [] }: ContainerOptions): string {
  const quoted = (text: string): string => `'${text}'`;
  return [
    `mount --bind ${quoted(root)} ${quoted(root)}`,
    `mount -t proc proc ${quoted(join(root, "proc"))}`,
    `mount --rbind /dev ${quoted(join(root, "dev"))}`,
    ...mounts.map(({ source, target }) => `mount --bind ${quoted(source)} ${quoted(join(root, target))}`),
    ...tmpfs.flatMap((line) => {
      const [target = "", options = "mode=1777"] = line.split(":");
      const where = quoted(join(root, target));
      return [`mkdir -p ${where}`, `mount -t tmpfs -o ${options} tmpfs ${where}`];
    }),
    `mount -o remount,bind,ro ${quoted(root)}`,
    'exec "$@"',
  ].join("\n");
}

/** Words in front of a command: into the root, if one is named, without rights, in the working folder. */
function asUser({ root, user, workingDir }: Pick<ContainerOptions, "root" | "user" | "workingDir">): string[] {
  const rights = [`--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--no-new-privs", "--bounding-set=-all"];
  // anew: the kernel forgets it where the user changes
  const end = ["--pdeathsig=KILL", "--inh-caps=-all"];
  const enter = root === "" ? [] : ["/usr/sbin/chroot", root];
  return [...enter, "setpriv", ...rights, ...end, "env", `--chdir=${workingDir}`];
}

/** A folder to mount: a volume, empty at first as an image's own, or one of its files. */
export function makeVolume(folder: string, name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}
