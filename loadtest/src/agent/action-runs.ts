/**
 * Runs actions one at a time for whoever asks. An action's users are made when it is asked for the first time, for all who
 * wait; what cannot be made is tried again by the next who asks.
 */
import { errorCodeOf, QpqError } from "quicproquo-proto";
import type { Action, PreparedAction } from "../open-loop/action.ts";
import { type ActionName, actions } from "../open-loop/actions.ts";
import type { ConnectionPool } from "../open-loop/connection-pool.ts";
import { loads } from "../open-loop/loads.ts";
import type { AgentMetrics } from "./agent-metrics.ts";
import type { AgentLimits } from "./limits.ts";

/** What every action's users are made with. Default: each action's own, as `qpq bench` has them. */
export type ActionSizes = {
  readonly users?: number | undefined;
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
  readonly #prepared = new Map<ActionName, Promise<PreparedAction>>();
  #inFlight = 0;

  constructor(parts: ActionRunsParts) {
    this.#parts = parts;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Resolves also when the action fails: that is an outcome. Rejects with E021_OVERLOADED when too many are under way, with
   * E028_DEADLINE when it takes too long, its users not counted, and with what they could not be made for.
   */
  async run(name: ActionName, user: number): Promise<Outcome> {
    if (this.#inFlight >= this.#parts.limits.inFlightMax) {
      throw new QpqError("E021_OVERLOADED", { retryAfterMs: 1_000, text: "too many actions are under way" });
    }
    this.#inFlight++;
    let ended: Promise<unknown> | undefined;
    try {
      const prepared = await this.#preparedOf(name);
      const outcome = this.#measured(name, () => prepared.once(user));
      ended = outcome;
      return await withDeadline(outcome, this.#parts.limits.actionTimeoutMs);
    } finally {
      // counts until it has ended: one that hangs holds its connection too
      void Promise.resolve(ended).then(() => this.#inFlight--);
    }
  }

  async close(): Promise<void> {
    const prepared = await Promise.allSettled(this.#prepared.values());
    for (const each of prepared) if (each.status === "fulfilled") await each.value.close();
  }

  /** Never rejects. */
  async #measured(name: ActionName, once: () => Promise<void>): Promise<Outcome> {
    const beganMs = performance.now();
    const error = await once().then(
      () => undefined,
      (cause: unknown) => ({ code: errorCodeOf(cause), text: cause instanceof QpqError ? cause.text : "internal" }),
    );
    const tookMs = performance.now() - beganMs;
    const micros = Math.round(tookMs * 1_000);
    this.#parts.metrics.ended(name, error?.code ?? "ok", tookMs / 1_000);
    return error === undefined ? { ok: true, code: "ok", micros } : { ok: false, ...error, micros };
  }

  #preparedOf(name: ActionName): Promise<PreparedAction> {
    const there = this.#prepared.get(name);
    if (there !== undefined) return there;
    const { prepare, defaults }: Action = actions[name];
    const { pool, sizes } = this.#parts;
    const { users = usersOf(name), payloadBytes = defaults.payloadBytes, recipients = defaults.recipients } = sizes;
    const made = prepare(pool, { users, payloadBytes, recipients });
    this.#prepared.set(name, made);
    made.catch(() => this.#prepared.delete(name));
    return made;
  }
}

/** Of the first scenario that does it. */
function usersOf(name: ActionName): number {
  return Object.values(loads).find(({ action }) => action === name)?.users ?? 1;
}

function withDeadline(ended: Promise<Outcome>, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new QpqError("E028_DEADLINE", { text: `the action did not end within ${timeoutMs} ms` }));
    }, timeoutMs);
    void ended.then(resolve, reject).finally(() => clearTimeout(timer)); // both ends are taken care of
  });
}
