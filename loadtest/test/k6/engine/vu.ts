/** A virtual user as the engine sees it: does one thing at a time. HTTP that its thread waits for is done here, by fetch. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { HttpAnswer, HttpRequest, VuData } from "./bridge.ts";
import type { Sample } from "./sinks.ts";
import type { VuCall } from "./vu-worker.ts";

type Ended = { readonly result: unknown; readonly error: string | undefined; readonly samples: readonly Sample[] };
type Said = { readonly http?: HttpRequest; readonly ended?: Ended };

/** As k6 counts it: a connection that was refused; whatever else. */
const errorCodes = { refused: 1212, other: 1000 } as const;

export class Vu {
  readonly #worker: Worker;
  readonly #answers: MessagePort;
  readonly #signal: Int32Array;
  #underWay: PromiseWithResolvers<Ended> | undefined;

  private constructor(data: Omit<VuData, "answers" | "signal">) {
    const { port1, port2 } = new MessageChannel();
    this.#answers = port1;
    this.#signal = new Int32Array(new SharedArrayBuffer(4));
    this.#worker = new Worker(new URL("./vu-worker.ts", import.meta.url), {
      workerData: { ...data, answers: port2, signal: this.#signal } satisfies VuData,
      transferList: [port2],
    });
    this.#worker.on("message", ({ http, ended }: Said) => {
      if (http !== undefined) void this.#fetch(http); // answers failures too
      if (ended !== undefined) this.#underWay?.resolve(ended);
    });
    this.#worker.on("error", (error) => this.#underWay?.reject(error));
  }

  /** Resolves when the script is loaded; rejects with what it throws meanwhile. */
  static async start(data: Omit<VuData, "answers" | "signal">): Promise<Vu> {
    const vu = new Vu(data);
    await once(vu.#worker, "message");
    return vu;
  }

  get isFree(): boolean {
    return this.#underWay === undefined;
  }

  async call(call: VuCall): Promise<Ended> {
    assert.equal(this.#underWay, undefined, "a virtual user does one thing at a time");
    this.#underWay = Promise.withResolvers();
    this.#worker.postMessage(call);
    try {
      return await this.#underWay.promise;
    } finally {
      this.#underWay = undefined;
    }
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
    this.#answers.close();
  }

  async #fetch({ method, url, body, headers }: HttpRequest): Promise<void> {
    const beganMs = performance.now();
    let answer: Omit<HttpAnswer, "durationMs">;
    try {
      const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
      answer = { status: response.status, body: await response.text(), error_code: 0 };
    } catch (error) {
      const { code } = ((error as Error).cause ?? {}) as { readonly code?: string };
      answer = { status: 0, body: "", error_code: errorCodes[code === "ECONNREFUSED" ? "refused" : "other"] };
    }
    this.#answers.postMessage({ ...answer, durationMs: performance.now() - beganMs } satisfies HttpAnswer);
    Atomics.store(this.#signal, 0, 1);
    Atomics.notify(this.#signal, 0);
  }
}
