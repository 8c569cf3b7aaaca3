/** Within a virtual user's thread: who it is, what it measured, and HTTP that blocks, as a script of k6 sees it. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { Sample } from "./sinks.ts";

export type VuData = {
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  readonly vu: number;
  /** Brings answers of HTTP; `signal` wakes whoever waits for one. */
  readonly answers: MessagePort;
  readonly signal: Int32Array;
};

export type HttpRequest = {
  readonly method: string;
  readonly url: string;
  readonly body: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
};

/** status 0: nobody answered, and error_code says why, as k6 counts it. */
export type HttpAnswer = {
  readonly status: number;
  readonly body: string;
  readonly error_code: number;
  readonly durationMs: number;
};

export const self = workerData as VuData;

/** Of the iteration that runs; its tags stand on every sample. */
export const current: { samples: Sample[]; tags: Readonly<Record<string, string>> } = { samples: [], tags: {} };

export function measure(sample: Sample): void {
  current.samples.push({ ...sample, tags: { ...current.tags, ...sample.tags } });
}

/** Blocks this thread, and no other. */
export function fetchNow(http: HttpRequest): HttpAnswer {
  parentPort?.postMessage({ http });
  Atomics.wait(self.signal, 0, 0);
  Atomics.store(self.signal, 0, 0);
  return receiveMessageOnPort(self.answers)?.message as HttpAnswer;
}
