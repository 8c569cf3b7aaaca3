/** Stands in for `k6`, as far as the scripts use it. */
import { measure } from "./bridge.ts";

export function check<T>(value: T, checks: Readonly<Record<string, (value: T) => boolean>>): boolean {
  const results = Object.entries(checks).map(([name, holds]) => {
    const ok = holds(value);
    measure({ metric: "checks", type: "rate", value: Number(ok), tags: { check: name } });
    return ok;
  });
  return results.every(Boolean);
}

export function fail(text?: string): never {
  throw new Error(text);
}
