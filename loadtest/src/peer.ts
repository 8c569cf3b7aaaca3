/** A process of a scenario seen from its parent: asked by name, ended when disposed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { compileCache } from "./compile-cache.ts";
import { onCore } from "./pinned.ts";

export class Peer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #name: string;

  private constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
  }

  /** Node with the program; the young generation is qpq-server's, for every side. */
  static start(program: URL, core: number | undefined): Peer {
    const node = [process.execPath, "--expose-gc", "--max-semi-space-size=64", program.pathname] as const;
    const [command, ...args] = onCore(core, [...node]);
    const env = { ...process.env, ...compileCache };
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"], env });
    return new Peer(child, program.pathname.split("/").at(-1) ?? "");
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** One question at a time. */
  async ask<Answer>(name: string, task: object = {}): Promise<Answer> {
    const ended = new AbortController();
    const answered = once(this.#child, "message", { signal: ended.signal });
    const gone = (): void => ended.abort(new Error(`${this.#name} ended before it answered "${name}"`));
    this.#child.once("exit", gone);
    try {
      this.#child.send({ name, task });
      const [message] = (await answered) as [{ answer: Answer }];
      return message.answer;
    } finally {
      this.#child.off("exit", gone);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.disconnect();
    await once(this.#child, "exit");
  }
}
