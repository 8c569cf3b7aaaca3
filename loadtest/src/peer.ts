/** A process of a scenario seen from its parent: asked by name, ended when disposed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { compileCache } from "./compile-cache.ts";
import { nodeFlags } from "./node-flags.ts";
import { onCore } from "./pinned.ts";

export class Peer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #name: string;
  /** Questions under way, by their number. */
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #questions = 0;

  private constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
    child.on("message", (message) => {
      const { question, answer } = message as { question: number; answer: unknown };
      this.#asked.get(question)?.resolve(answer);
    });
  }

  /** Node with the program; the young generation is qpq-server's, for every side. */
  static start(program: URL, core: number | undefined): Peer {
    const node = [process.execPath, "--expose-gc", ...nodeFlags, program.pathname] as const;
    const [command, ...args] = onCore(core, [...node]);
    const env = { ...process.env, ...compileCache };
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"], env });
    return new Peer(child, program.pathname.split("/").at(-1) ?? "");
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Several questions may be under way. Rejects when the program ends before it answers. */
  async ask<Answer>(name: string, task: object = {}): Promise<Answer> {
    const question = this.#questions++;
    const answered = Promise.withResolvers<unknown>();
    const gone = (code: number | null, signal: string | null): void =>
      answered.reject(new Error(`${this.#name} ended (${code ?? signal}) before it answered "${name}"`));
    this.#asked.set(question, answered);
    this.#child.once("exit", gone);
    try {
      this.#child.send({ question, name, task });
      return (await answered.promise) as Answer;
    } finally {
      this.#asked.delete(question);
      this.#child.off("exit", gone);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.disconnect();
    await once(this.#child, "exit");
  }
}
