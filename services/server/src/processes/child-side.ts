/**
 * The child's side of its supervisor: does what it is told, answers what it is asked, and does not outlive it.
 *
 * SIGTERM drains; SIGINT and SIGHUP are the supervisor's to take (a terminal sends them to all of them).
 */
import { Worker } from "node:worker_threads";
import { QpqError } from "quicproquo-proto";
import type { ShownCertificate } from "../front-end.ts";
import type { LiveSettings } from "../live-settings.ts";
import { createLog, type Log, type ProcessLog } from "../observe/log.ts";
import type { StoreParts } from "../observe/observer.ts";
import type { MetricsSnapshot } from "../observe/prometheus.ts";
import type { Answers, Change, FromChild, Question, Task, ToChild } from "./messages.ts";

export type Running = {
  readonly ready: () => Promise<void>;
  readonly parts: () => StoreParts;
  readonly metrics: () => Promise<MetricsSnapshot>;
  readonly setCertificate?: (certificate: ShownCertificate) => void;
  readonly setLimits?: (limits: LiveSettings["limits"]) => void;
  /** Drains and frees everything. */
  readonly close: () => Promise<void>;
};

export type ChildSettings = {
  /** SIGTERM drains. The store does not listen to it: the supervisor ends it when the last worker has gone. */
  readonly drainsOnTerm: boolean;
};

/** Runs this process as a child: `start` is called once, with the task. */
export function runChild<T extends Task>(
  start: (task: T, log: Log) => Promise<Running>,
  { drainsOnTerm }: ChildSettings,
): void {
  let running: Running | undefined;
  let log: ProcessLog | undefined;
  let isStopping = false;
  const tell = (message: FromChild): void => {
    process.send?.(message);
  };
  const stop = async (): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    if (running === undefined) process.exit(0);
    await running.close();
    const metrics = await running.metrics();
    log?.flush();
    process.send?.({ kind: "left", metrics } satisfies FromChild, () => process.exit(0));
  };
  const begin = async (name: string, task: T): Promise<void> => {
    log = createLog(task.config.logLevel, { worker: name });
    try {
      running = await start(task, log);
      tell({ kind: "started" });
    } catch (error) {
      if (!(error instanceof QpqError)) log.error({ event: "start_failed", error });
      process.send?.({ kind: "failed", reason: reasonOf(error) } satisfies FromChild, () => process.exit(1));
    }
  };
  const change = (change: Change): void => {
    if ("certificate" in change) return running?.setCertificate?.(change.certificate);
    log?.setLevel(change.settings.logLevel);
    running?.setLimits?.(change.settings.limits);
  };
  const answer = async (id: number, find: () => Promise<Answers[Question]>): Promise<void> => {
    try {
      tell({ kind: "answer", id, answer: await find() });
    } catch (error) {
      tell({ kind: "refusal", id, reason: reasonOf(error) });
    }
  };

  process.on("message", (message: ToChild) => {
    switch (message.kind) {
      case "start":
        return void begin(message.name, message.task as T);
      case "ask":
        return void answer(message.id, () => answerOf(running, message.question));
      case "change":
        return void answer(message.id, async () => void change(message.change) as undefined);
      case "stop":
        return void stop();
    }
  });
  process.on("disconnect", () => process.exit(1));
  process.on("SIGINT", () => undefined);
  process.on("SIGHUP", () => undefined);
  process.on("SIGTERM", () => void (drainsOnTerm && stop()));
  process.on("uncaughtException", (error) => {
    log?.error({ event: "crashed", error });
    process.exit(1);
  });
  dieWithParent();
}

async function answerOf(running: Running | undefined, question: Question): Promise<Answers[Question]> {
  if (question === "ping") return undefined;
  if (running === undefined) throw new QpqError("E033_SHUTTING_DOWN", { text: "not started yet" });
  switch (question) {
    case "ready":
      return void (await running.ready());
    case "parts":
      return running.parts();
    case "metrics":
      return await running.metrics();
  }
}

function reasonOf(error: unknown): string {
  return (error instanceof QpqError ? error : new QpqError("E034_INTERNAL")).reason;
}

/** A main thread that is stuck sees no closed channel: a thread of its own looks whether the parent is still there. */
function dieWithParent(): void {
  const watch = new Worker(new URL("./parent-watch.mjs", import.meta.url), { workerData: process.ppid, execArgv: [] });
  watch.unref();
}
