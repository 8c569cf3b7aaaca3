/** Tells of a certificate that will expire within 30 days, once a day, and takes another one while the server runs. */
import { QpqError } from "quicproquo-proto";
import type { Certificate } from "../certificate.ts";
import type { Audit } from "../observe/audit.ts";
import type { Log } from "../observe/log.ts";
import type { Clock } from "../store/port.ts";

const dayMs = 86_400_000;
const warnBeforeMs = 30 * dayMs;

export type CertificateWatchParts = {
  readonly certificate: Certificate;
  /** As it stands on the disk now. Throws E046_CONFIG. */
  readonly load: () => Certificate;
  /** Shows it from now on. E046_CONFIG: the one before is shown. */
  readonly show: (certificate: Certificate) => Promise<void>;
  readonly log: Log;
  readonly audit: Audit;
  readonly clock: Clock;
};

/** Of how many days it may be shown; undefined where that is long. */
export function daysLeft({ expiresAtMs }: Pick<Certificate, "expiresAtMs">, nowMs: number): number | undefined {
  const leftMs = expiresAtMs - nowMs;
  return leftMs > warnBeforeMs ? undefined : Math.max(0, Math.floor(leftMs / dayMs));
}

export class CertificateWatch implements Disposable {
  readonly #parts: CertificateWatchParts;
  readonly #timer: ReturnType<typeof setInterval>;
  #shown: Certificate;
  /** One after the other, so that what is shown in the end is what was read last. */
  #reloads: Promise<void> = Promise.resolve();

  constructor(parts: CertificateWatchParts) {
    this.#parts = parts;
    this.#shown = parts.certificate;
    this.#warn();
    this.#timer = setInterval(() => this.#warn(), dayMs).unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Of a pair that cannot be used the log tells, and the one before stays. Never rejects. */
  reload(): Promise<void> {
    this.#reloads = this.#reloads.then(() => this.#reload());
    return this.#reloads;
  }

  async #reload(): Promise<void> {
    const { load, show, log, audit } = this.#parts;
    try {
      const next = load();
      await show(next);
      this.#shown = next;
      const told = toldOf(next);
      log.info({ event: "certificate_reloaded", ...told });
      audit.write({ event: "certificate_reloaded", ...told });
      this.#warn();
    } catch (error) {
      log.error({ event: "certificate_refused", ...toldOf(this.#shown), error });
      audit.write({ event: "certificate_refused", ...(error instanceof QpqError && { reason: error.text }) });
    }
  }

  #warn(): void {
    const { log, audit, clock } = this.#parts;
    const days = daysLeft(this.#shown, clock());
    if (days === undefined) return;
    const told = { ...toldOf(this.#shown), count: days, reason: "replace it and its key, then send SIGHUP" };
    log.warn({ event: "certificate_expires", ...told });
    audit.write({ event: "certificate_expires", ...told });
  }
}

function toldOf({ fingerprint, expiresAtMs }: Certificate) {
  return { fingerprint, validTo: new Date(expiresAtMs).toISOString() };
}
