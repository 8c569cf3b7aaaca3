/**
 * What the supervisor and its children say to each other over the channel that Node makes between them (structured clone:
 * a few messages a second). Never a byte of the network, and never a secret in an argument or an environment.
 */
import type { ServerConfig } from "../config.ts";
import type { ShownCertificate } from "../front-end.ts";
import type { LiveSettings } from "../live-settings.ts";
import type { StoreParts } from "../observe/observer.ts";
import type { MetricsSnapshot } from "../observe/prometheus.ts";
import type { Secrets } from "../secrets.ts";

export type StoreTask = { readonly config: ServerConfig };

export type WorkerTask = {
  /** Its port is the one that all workers share; dataDir is absolute. */
  readonly config: ServerConfig;
  readonly secrets: Secrets;
  readonly certificate: ShownCertificate;
  /** 8 bytes: the first of every connection id. */
  readonly serverId: Uint8Array;
  /** 0 to 255. */
  readonly workerId: number;
};

export type Task = StoreTask | WorkerTask;

/** What changes in a process that runs. Only a worker shows a certificate. */
export type Change = { readonly certificate: ShownCertificate } | { readonly settings: LiveSettings };

/** What a child answers at any time: that its event loop turns, whether and with what it can serve, and what it has counted. */
export type Answers = {
  readonly ping: undefined;
  readonly ready: undefined;
  readonly parts: StoreParts;
  readonly metrics: MetricsSnapshot;
};
export type Question = keyof Answers;

export type ToChild =
  | { readonly kind: "start"; readonly name: string; readonly task: Task }
  | { readonly kind: "ask"; readonly id: number; readonly question: Question }
  /** From now on; answered as a question is. */
  | { readonly kind: "change"; readonly id: number; readonly change: Change }
  /** Drain, then exit. */
  | { readonly kind: "stop" };

export type FromChild =
  | { readonly kind: "started" }
  /** `reason`: of a QpqError. The child exits. */
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "answer"; readonly id: number; readonly answer: Answers[Question] }
  | { readonly kind: "refusal"; readonly id: number; readonly reason: string }
  /** The last it has counted, before it exits. */
  | { readonly kind: "left"; readonly metrics: MetricsSnapshot };

/** Sockets of one server, in the children's working folder: a path from there is never too long for a socket. */
export const socketOf = {
  store: "store.sock",
  worker: (workerId: number) => `worker-${workerId}.sock`,
} as const;
