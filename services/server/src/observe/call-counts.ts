import type { ErrorCode } from "quicproquo-proto";
import type { Reading } from "./metric-registry.ts";

type CallCode = ErrorCode | "ok" | "canceled";

/** Calls that ended, by method and code. */
export class CallCounts {
  readonly #byMethod = new Map<string, Map<CallCode, number>>();

  add(method: string, code: CallCode): void {
    let counts = this.#byMethod.get(method);
    if (counts === undefined) {
      counts = new Map();
      this.#byMethod.set(method, counts);
    }
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }

  of(method: string, code: CallCode): number {
    return this.#byMethod.get(method)?.get(code) ?? 0;
  }

  /** All but those that ended well. */
  failuresOf(method: string): number {
    let sum = 0;
    for (const [code, count] of this.#byMethod.get(method) ?? []) if (code !== "ok") sum += count;
    return sum;
  }

  /** Of all methods. */
  with(code: CallCode): number {
    let sum = 0;
    for (const counts of this.#byMethod.values()) sum += counts.get(code) ?? 0;
    return sum;
  }

  reading(): Reading {
    return Array.from(this.#byMethod, ([method, counts]) =>
      Array.from(counts, ([code, count]) => [{ method, code }, count] as const),
    ).flat();
  }
}
