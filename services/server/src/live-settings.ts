/** The settings that a running server takes again from its file: SIGHUP, and no restart. */
import { type LimitName, limits } from "quicproquo-proto";
import type { ServerConfig, SettingInForce } from "./config.ts";

/** Their names in the table of settings are logLevel and those of the limits, less what the store was opened with. */
export type LiveSettings = Pick<ServerConfig, "logLevel" | "limits">;

/** What stands in the store goes by them; messageLifeSecs must not pass dedupeWindowSecs, so the two go together. */
const ofTheStore: readonly LimitName[] = ["queueDepthMax", "messageLifeSecs", "dedupeWindowSecs", "groupLifeSecs"];

const liveLimits = (Object.keys(limits) as LimitName[]).filter((name) => !ofTheStore.includes(name));
/** Names in the table of settings. */
export const liveNames: ReadonlySet<string> = new Set(["logLevel", ...liveLimits]);

/** Of two readings: which names have other values, and whether that is for now or for the next start. Secrets are not told of. */
export function changedSettings(
  before: readonly SettingInForce[],
  after: readonly SettingInForce[],
): { readonly live: readonly string[]; readonly atNextStart: readonly string[] } {
  const was = new Map(before.map(({ name, value }) => [name, value]));
  const changed = after.filter(({ name, value }) => was.get(name) !== value).map(({ name }) => name);
  return {
    live: changed.filter((name) => liveNames.has(name)),
    atNextStart: changed.filter((name) => !liveNames.has(name)),
  };
}

/** Limits that everything of one front-end reads at each use. */
export class LiveLimits {
  readonly #values: Record<LimitName, number>;

  constructor(values: Readonly<Record<LimitName, number>>) {
    this.#values = { ...values };
  }

  /** The same object for ever. */
  get values(): Readonly<Record<LimitName, number>> {
    return this.#values;
  }

  /** From now on; those that the store was opened with stay. */
  set(next: Readonly<Record<LimitName, number>>): void {
    for (const name of liveLimits) this.#values[name] = next[name];
  }
}
