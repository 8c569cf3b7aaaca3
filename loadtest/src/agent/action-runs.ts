/**
 * Runs actions one at a time for whoever asks. An action's users are made when it is asked for the first time, for all who
 * wait; what cannot be made is tried again by the next who asks.
 */
import { errorCodeOf, QpqError } from "quicproquo-proto";
import type { Action } from "../open-loop/action.ts";
import { actions } from "../open-loop/actions.ts";
import type { ConnectionPool } from "../open-loop/connection-pool.ts";
import type { AgentMetrics } from "./agent-metrics.ts";
import type { AgentLimits } from "./limits.ts";

export type ActionName = keyof typeof actions;
type Prepared = Awaited<ReturnType<Action["prepare"]>>;

/** What every action's users are made with. */
export type ActionSizes = {
  readonly users: number;
  /** Default: each action's own. */
  readonly payloadBytes?: number | undefined;
  readonly recipients?: number | undefined;
};

export type ActionRunsParts = {
  readonly pool: ConnectionPool;
  readonly sizes: ActionSizes;
  readonly limits: AgentLimits;
  readonly metrics: AgentMetrics;
};

/** How an action ended. */
export type Outcome = {
  readonly ok: boolean;
  /** "ok" or a code of the table of errors. */
  readonly code: string;
  /** Of the action alone, in us. */
  readonly micros: number;
  readonly text?: string;
};

export class ActionRuns {
  readonly #parts: ActionRunsParts;
  readonly #prepared = new Map<ActionName, Promise<Prepared>>();
  #inFlight = 0;

  constructor(parts: ActionRunsParts) {
    this.#parts = parts;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Resolves also when the action fails: that is an outcome. Rejects with E021_OVERLOADED when too many are under way, with
   * E028_DEADLINE when it takes too long, and with what its users could not be made for.
   */
  async run(name: ActionName, user: number): Promise<Outcome> {
    if (this.#inFlight >= this.#parts.limits.inFlightMax) {
      throw new QpqError("E021_OVERLOADED", { retryAfterMs: 1_000, text: "too many actions are under way" });
    }
    this.#inFlight++;
    // counts until it has ended: one that hangs holds its connection too
    const ended = this.#measured(name, user).finally(() => this.#inFlight--);
    return await withDeadline(ended, this.#parts.limits.actionTimeoutMs);
  }

  async close(): Promise<void> {
    const prepared = await Promise.allSettled(this.#prepared.values());
    for (const each of prepared) if (each.status === "fulfilled") await each.value.close();
  }

  async #measured(name: ActionName, user: number): Promise<Outcome> {
    const prepared = await this.#preparedOf(name);
    const beganMs = performance.now();
    const error = await prepared.once(user).then(
      () => undefined,
      (cause: unknown) => ({ code: errorCodeOf(cause), text: cause instanceof QpqError ? cause.text : "internal" }),
    );
    const tookMs = performance.now() - beganMs;
    const micros = Math.round(tookMs * 1_000);
    this.#parts.metrics.ended(name, error?.code ?? "ok", tookMs / 1_000);
    return error === undefined ? { ok: true, code: "ok", micros } : { ok: false, ...error, micros };
  }

  #preparedOf(name: ActionName): Promise<Prepared> {
    const there = this.#prepared.get(name);
    if (there !== undefined) return there;
    const { prepare, defaults }: Action = actions[name];
    const { pool, sizes } = this.#parts;
    const { users, payloadBytes = defaults.payloadBytes, recipients = defaults.recipients } = sizes;
    const made = prepare(pool, { users, payloadBytes, recipients });
    this.#prepared.set(name, made);
    made.catch(() => this.#prepared.delete(name));
    return made;
  }
}

function withDeadline(ended: Promise<Outcome>, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new QpqError("E028_DEADLINE", { text: `the action did not end within ${timeoutMs} ms` }));
    }, timeoutMs);
    void ended.then(resolve, reject).finally(() => clearTimeout(timer)); // both ends are taken care of
  });
}
