/** One registration or one login by OPAQUE, whose work is done in a thread of its own (opaque-worker.ts). */
import { Worker } from "node:worker_threads";
import { QpqError, type StretchingProfile } from "quicproquo-proto";
import type { OpaqueAnswer, OpaqueFinished, OpaqueKind, OpaqueQuestion } from "./opaque-worker.ts";

export class OpaqueThread implements AsyncDisposable {
  readonly #worker: Worker;
  #answer: PromiseWithResolvers<OpaqueAnswer> | undefined;

  constructor() {
    // the environment may have the password in it
    this.#worker = new Worker(new URL("./opaque-worker.ts", import.meta.url), { env: {} });
    this.#worker.on("message", (answer: OpaqueAnswer) => this.#answer?.resolve(answer));
    this.#worker.on("error", (cause) => this.#answer?.reject(new QpqError("E034_INTERNAL", { cause })));
    this.#worker.on("exit", () => this.#answer?.reject(new QpqError("E034_INTERNAL")));
  }

  /** The request of the first half. Once. */
  async begin(kind: OpaqueKind, password: string): Promise<Uint8Array> {
    return (await this.#ask<{ request: Uint8Array }>({ kind, password })).request;
  }

  /** Once. undefined: not this password, or no such account. E070_LOGIN_SERVER: what came is no response of OPAQUE. */
  async finish(response: Uint8Array, stretching: StretchingProfile): Promise<OpaqueFinished | undefined> {
    const answer = await this.#ask<Exclude<OpaqueAnswer, { request: Uint8Array }>>({ response, stretching });
    if ("finished" in answer) return answer.finished;
    if (answer.refused === "refused") return undefined;
    throw new QpqError("E070_LOGIN_SERVER", { text: "the server's answer is no message of OPAQUE with ristretto255" });
  }

  /** Ends the thread, and with it the password's copy there. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#answer = undefined;
    await this.#worker.terminate();
  }

  async #ask<Answer extends OpaqueAnswer>(question: OpaqueQuestion): Promise<Answer> {
    this.#answer = Promise.withResolvers<OpaqueAnswer>();
    this.#worker.postMessage(question);
    return (await this.#answer.promise) as Answer;
  }
}
