/** Starts client-process.ts, in a network namespace or here, and gives it orders, one at a time. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FromClient, Orders, ToClient } from "./client-process.ts";

const program = fileURLToPath(new URL("client-process.ts", import.meta.url));

// An order that takes longer hangs: it fails then, in time for everything to be taken down.
const orderMsMax = 45_000;

export class ClientProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #onEvent: (message: FromClient) => void = () => undefined;

  /** launcher: words in front of the program's own, e.g. a namespace's. */
  constructor(launcher: readonly string[] = []) {
    const [command = "", ...args] = [...launcher, process.execPath, program];
    const stdio = ["ignore", "inherit", "inherit", "ipc"] as const;
    this.#child = spawn(command, args, { stdio: [...stdio], serialization: "advanced" });
    this.#ended = once(this.#child, "close");
    this.#child.on("message", (message: FromClient) => this.#onEvent(message));
    this.#child.on("close", () => this.#onEvent({ event: "failed", code: undefined, text: "the client ended" }));
  }

  /** Rejects with the client's words when the order fails, or after 45 s. `halfway` is awaited before an exchange or a listener goes on. */
  run<Name extends keyof Orders>(
    order: Name,
    argument: Parameters<Orders[Name]>[0],
    halfway: () => void | Promise<void> = () => undefined,
  ): ReturnType<Orders[Name]> {
    const done = Promise.withResolvers<unknown>();
    const late = setTimeout(() => done.reject(new Error(`no end of ${order} after ${orderMsMax} ms`)), orderMsMax);
    const goOn = async (): Promise<void> => {
      await halfway();
      this.#send({ order: "proceed" });
    };
    this.#onEvent = (message) => {
      if (message.event === "halfway") goOn().catch(done.reject);
      else if (message.event === "done") done.resolve(message.result);
      else done.reject(new Error(message.text));
    };
    this.#send({ order, argument });
    return done.promise.finally(() => clearTimeout(late)) as ReturnType<Orders[Name]>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #send(message: ToClient): void {
    this.#child.send(message);
  }
}
