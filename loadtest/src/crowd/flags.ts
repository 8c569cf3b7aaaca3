/** The flags of scenarios with many clients. */
import type { ParseArgsConfig } from "node:util";
import type { RunOptions } from "../scenario.ts";

export type StoreName = "embedded" | "cluster";

export const crowdOptions = {
  store: { type: "string" },
  clients: { type: "string" },
  /** Of each window, instead of the plan's. */
  seconds: { type: "string" },
} as const satisfies ParseArgsConfig["options"];

export function storeOf({ flags }: RunOptions, otherwise: StoreName = "embedded"): StoreName {
  const { store = otherwise } = flags;
  if (store === "embedded" || store === "sqlite") return "embedded";
  if (store === "cluster") return store;
  throw new Error(`--store is embedded or cluster, not ${String(store)}`);
}

/** A number above 0. */
export function positiveOf({ flags }: RunOptions, name: string, otherwise: number): number {
  const value = flags[name];
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (!Number.isFinite(number) || number <= 0) throw new Error(`--${name} is a number above 0`);
  return number;
}

/** How many clients. */
export function clientsOf(options: RunOptions, otherwise: number): number {
  return Math.ceil(positiveOf(options, "clients", otherwise));
}
