/** The C++ client of the real contract (node-client/), driven by words: one process, any number of connections in it. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { buildCpp } from "quicproquo-rpc/testing";

const sources = join(import.meta.dirname, "node-client");
const schema = join(import.meta.dirname, "../../../../schemas/node.capnp");

type Program = ChildProcessByStdio<Writable, Readable, null>;

export class CppNodeClient implements AsyncDisposable {
  readonly #process: Program;
  readonly #calls = new Map<string, PromiseWithResolvers<string>>();
  /** What sinks were told, by their handles. */
  readonly #told = new Map<string, string[]>();
  #onTold: () => void = () => {};
  #nextCall = 0;

  private constructor(process: Program) {
    this.#process = process;
    createInterface(process.stdout).on("line", (line) => this.#onLine(line));
    process.on("close", () => {
      for (const { reject } of this.#calls.values()) reject(new Error("the C++ client has ended"));
    });
  }

  /** Takes about 8 s the first time. */
  static async start(): Promise<CppNodeClient> {
    const names = (await readdir(sources)).sort();
    const files = [...names.map((name) => join(sources, name)), schema];
    const program = await buildCpp({ name: "node-client", files });
    return new CppNodeClient(spawn(program, [], { stdio: ["pipe", "pipe", "inherit"] }));
  }

  /** Does one of the verbs of node-client/client.h. A failed one rejects with "TYPE REASON". Calls run side by side. */
  call(verb: string, ...words: readonly (string | number)[]): Promise<string> {
    const id = `c${this.#nextCall++}`;
    const ended = Promise.withResolvers<string>();
    this.#calls.set(id, ended);
    this.#process.stdin.write(`${[id, verb, ...words].join(" ")}\n`);
    return ended.promise;
  }

  /** What the sink was told so far, e.g. "deliver none:0 1:5:hello". */
  told(handle: string): readonly string[] {
    return this.#told.get(handle) ?? [];
  }

  async toldUntil(handle: string, holds: (told: readonly string[]) => boolean): Promise<void> {
    while (!holds(this.told(handle))) {
      await new Promise<void>((resolve) => {
        this.#onTold = resolve;
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#process, "close");
    this.#process.stdin.end();
    await closed;
  }

  #onLine(line: string): void {
    const [id = "", how = "", ...words] = line.split(" ");
    const text = words.join(" ");
    const call = this.#calls.get(id);
    if (call === undefined) {
      this.#told.set(id, [...this.told(id), `${how} ${text}`]);
      return this.#onTold();
    }
    this.#calls.delete(id);
    if (how === "ok") call.resolve(text);
    else call.reject(new Error(text));
  }
}
