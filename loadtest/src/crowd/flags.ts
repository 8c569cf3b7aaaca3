/** The flags of scenarios with many clients. */
import type { ParseArgsConfig } from "node:util";
import type { RunOptions } from "../scenario.ts";

export type StoreName = "embedded" | "cluster";

export const crowdOptions = {
  store: { type: "string" },
  clients: { type: "string" },
} as const satisfies ParseArgsConfig["options"];

export function storeOf({ flags }: RunOptions): StoreName {
  const { store = "embedded" } = flags;
  if (store === "embedded" || store === "sqlite") return "embedded";
  if (store === "cluster") return store;
  throw new Error(`--store is embedded or cluster, not ${String(store)}`);
}

/** A whole number above 0. */
export function numberOf({ flags }: RunOptions, name: string, otherwise: number): number {
  const value = flags[name];
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`--${name} is a whole number above 0`);
  return number;
}
