/** Takes the settings again while the server runs, and says which of those that have changed wait for the next start. */
import type { ServerConfig, SettingInForce } from "../config.ts";
import { changedSettings, type LiveSettings } from "../live-settings.ts";
import type { Audit } from "../observe/audit.ts";
import type { Log } from "../observe/log.ts";

type Reading = { readonly config: ServerConfig; readonly inForce: readonly SettingInForce[] };

export type SettingsWatchParts = {
  /** At the start. */
  readonly inForce: Reading["inForce"];
  /** As flags, environment and file have it now. Throws E046_CONFIG. */
  readonly read: () => Reading;
  readonly apply: (settings: LiveSettings) => Promise<void>;
  readonly log: Log;
  readonly audit: Audit;
};

export class SettingsWatch {
  readonly #parts: SettingsWatchParts;
  /** As they were read last. */
  #inForce: Reading["inForce"];
  /** One after the other, so that what applies in the end is what was read last. */
  #reloads: Promise<void> = Promise.resolve();

  constructor(parts: SettingsWatchParts) {
    this.#parts = parts;
    this.#inForce = parts.inForce;
  }

  /** Of settings that are wrong the log tells, and those before stay, all of them. Never rejects. */
  reload(): Promise<void> {
    this.#reloads = this.#reloads.then(() => this.#reload());
    return this.#reloads;
  }

  async #reload(): Promise<void> {
    const { read, apply, log, audit } = this.#parts;
    try {
      const { config, inForce } = read();
      const { live } = changedSettings(this.#inForce, inForce);
      const { atNextStart } = changedSettings(this.#parts.inForce, inForce);
      await apply(config);
      this.#inForce = inForce;
      const told = { event: "settings_reloaded", count: live.length, reason: live.join(" ") } as const;
      log.info(told);
      if (live.length > 0) audit.write(told);
      if (atNextStart.length > 0) log.warn({ event: "settings_need_restart", reason: atNextStart.join(" ") });
    } catch (error) {
      log.error({ event: "settings_refused", error });
      audit.write({ event: "settings_refused" });
    }
  }
}
