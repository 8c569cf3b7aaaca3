/**
 * Keeps one child process alive, and watches it from outside: a loop inside native code blocks its event loop, so only
 * somebody else can see it.
 *
 *     starting ──▶ up ──▶ (draining) ──▶ gone ──▶ after a pause: starting
 *
 * A child that misses heartbeatMissesMax heartbeats, or does not start or drain in time, is killed with SIGKILL; one that
 * takes too much memory is drained. Either way another takes its place, with the same task. Only `stop` ends that.
 */
import { errorCodeOf, QpqError } from "quicproquo-proto";
import type { Log } from "../observe/log.ts";
import type { MetricsSnapshot } from "../observe/prometheus.ts";
import { Child, type ChildOptions } from "./child.ts";
import type { Answers, Change, Question, Task, WorkerTask } from "./messages.ts";
import { residentBytesOf } from "./resident-memory.ts";
import { RestartPauses } from "./restart-pauses.ts";

/**
 * Why a child ended: it was `stalled` or took too much `memory`, a signal `killed` it that was not the supervisor's, or it
 * `exited`, by a fault or for someone's SIGTERM.
 */
export const endReasons = ["stalled", "memory", "killed", "exited"] as const;
export type EndReason = (typeof endReasons)[number];

type WatchLimits = {
  readonly heartbeatMs: number;
  readonly heartbeatMissesMax: number;
  /** Infinity = not watched. */
  readonly rssBytesMax: number;
  readonly drainMs: number;
  /** Infinity = not watched: the store may have to migrate a large file. */
  readonly startMsMax: number;
};

export type KeeperOptions = Pick<ChildOptions, "program" | "name" | "task" | "folder"> & {
  readonly limits: WatchLimits;
  readonly log: Log;
  /** Asked before a drain for memory. */
  readonly mayDrain: () => boolean;
  /** It will be replaced. */
  readonly onEnd: (reason: EndReason) => void;
  /** There is no process any more. */
  readonly onGone: () => void;
  /** The last it has counted in a life that it ended itself. */
  readonly onMetrics: (metrics: MetricsSnapshot) => void;
};

/** Beyond drainMs, in which the child ends its drain by itself. */
const drainGraceMs = 2_000;
/** A process that answers no heartbeat is replaced before. */
const changeMsMax = 60_000;

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #pauses = new RestartPauses();
  readonly #gone = Promise.withResolvers<void>();
  #task: Task;
  #child: Child | undefined;
  #state: "starting" | "up" | "draining" | "gone" = "gone";
  #sinceMs = 0;
  #upAtMs: number | undefined;
  #beatAtMs = 0;
  #misses = 0;
  #endReason: EndReason | undefined;
  #isStopping = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #looking: ReturnType<typeof setInterval>;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#task = options.task;
    this.#looking = setInterval(() => this.#look(), options.limits.heartbeatMs);
  }

  get name(): string {
    return this.#options.name;
  }

  get isUp(): boolean {
    return this.#state === "up";
  }

  /** undefined while there is no process. */
  get residentBytes(): number | undefined {
    const pid = this.#child?.pid;
    return pid === undefined ? undefined : residentBytesOf(pid);
  }

  /** Since the last heartbeat that was answered, or since the start; 0 while there is no process. */
  get heartbeatAgeMs(): number {
    return this.#child === undefined ? 0 : performance.now() - this.#beatAtMs;
  }

  /** Resolves when it serves for the first time. When it rejects there is no process, and there will be none. */
  async start(): Promise<void> {
    const { started } = this.#begin();
    try {
      await started;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Its refusal, E028_DEADLINE after msMax, or E020_STORE_UNAVAILABLE when there is no process that serves. */
  async ask<Q extends Question>(question: Q, msMax: number): Promise<Answers[Q]> {
    if (this.#state === "up" && this.#child !== undefined) return await this.#child.ask(question, msMax);
    throw new QpqError("E020_STORE_UNAVAILABLE", { text: `process ${this.name} does not serve` });
  }

  /**
   * Of the process there is, once it serves, and of those that take its place. E046_CONFIG when it is refused; a process
   * that does not answer is replaced, and then begins with it.
   */
  async change(change: Change): Promise<void> {
    this.#task =
      "certificate" in change
        ? { ...(this.#task as WorkerTask), ...change }
        : { ...this.#task, config: { ...this.#task.config, ...change.settings } };
    const child = this.#child;
    try {
      await child?.started;
      await child?.change(change, changeMsMax);
    } catch (error) {
      if (errorCodeOf(error) === "E046_CONFIG") throw error;
    }
  }

  /** Drains it; resolves when it has gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    if (this.#child === undefined) this.#finish();
    else this.#drain();
    await this.#gone.promise;
  }

  #begin(): Child {
    const { program, name, folder, onMetrics, log } = this.#options;
    const child = new Child({ program, name, task: this.#task, folder, onMetrics, onExit: (how) => this.#onExit(how) });
    this.#child = child;
    this.#enter("starting");
    this.#beatAtMs = this.#sinceMs;
    this.#misses = 0;
    child.started.then(
      () => {
        this.#upAtMs = performance.now();
        this.#beatAtMs = this.#upAtMs;
        if (this.#state === "starting") this.#enter("up");
        log.info({ event: "process_started", worker: name, ...(child.pid !== undefined && { pid: child.pid }) });
      },
      (error: unknown) => log.error({ event: "process_not_started", worker: name, error }),
    );
    return child;
  }

  #look(): void {
    const { heartbeatMissesMax, rssBytesMax, drainMs, startMsMax } = this.#options.limits;
    const inStateMs = performance.now() - this.#sinceMs;
    if (this.#state === "gone") return;
    if (this.#state === "starting" && inStateMs > startMsMax) return this.#kill("stalled");
    if (this.#state === "draining" && inStateMs > drainMs + drainGraceMs) return this.#kill("stalled");
    if (this.#state !== "up") return;
    if (this.#misses >= heartbeatMissesMax) return this.#kill("stalled");
    this.#ping();
    if ((this.residentBytes ?? 0) > rssBytesMax && this.#options.mayDrain()) {
      this.#endReason = "memory";
      this.#drain();
    }
  }

  #ping(): void {
    const { heartbeatMs, heartbeatMissesMax } = this.#options.limits;
    const child = this.#child;
    this.#misses++;
    child?.ask("ping", heartbeatMs * (heartbeatMissesMax + 1)).then(
      () => {
        if (child !== this.#child) return;
        this.#misses = 0;
        this.#beatAtMs = performance.now();
      },
      () => undefined, // counted as missed
    );
  }

  #drain(): void {
    if (this.#state === "draining") return;
    this.#enter("draining");
    this.#child?.stop();
  }

  #kill(reason: EndReason): void {
    this.#endReason ??= reason;
    this.#child?.kill();
  }

  #onExit(how: NodeJS.Signals | number): void {
    const { name, log, onEnd, onGone } = this.#options;
    const livedMs = this.#upAtMs === undefined ? 0 : performance.now() - this.#upAtMs;
    const reason = this.#endReason ?? (typeof how === "string" ? "killed" : "exited");
    this.#child = undefined;
    this.#upAtMs = undefined;
    this.#endReason = undefined;
    this.#enter("gone");
    onGone();
    if (this.#isStopping) return this.#finish();
    onEnd(reason);
    const pause = this.#pauses.after(livedMs);
    const end = typeof how === "string" ? { signal: how } : { exitCode: how };
    log.error({ event: "process_ended", worker: name, reason, ...end, ms: Math.round(livedMs) });
    if (pause.isLoop) log.error({ event: "crash_loop", worker: name, count: pause.shortLives, ms: pause.ms });
    this.#timer = setTimeout(() => this.#begin(), pause.ms);
  }

  #finish(): void {
    clearInterval(this.#looking);
    this.#gone.resolve();
  }

  #enter(state: "starting" | "up" | "draining" | "gone"): void {
    this.#state = state;
    this.#sinceMs = performance.now();
  }
}
