/**
 * How much a peer sends that carries nothing: frames that the library answers or keeps, with faults of its own (it keeps
 * every id that a peer wants retired, and looks through all of them at the next one: 12 MB of such frames took it 10 s;
 * CVE-2024-1410, CVE-2023-6193 and CVE-2024-1765 are of the kind). The frames cannot be seen from here, but their bytes
 * can: those that are neither of streams nor explained by what was sent.
 */
import type { Traffic } from "./traffic.ts";

/** Bytes of a stream come in packets with headers, and some come twice. */
const perDeliveredByte = 2;
/** A datagram with one byte of a stream has 50 others. */
const perDatagramIn = 64;
/** What is sent is acknowledged, in a network that loses much with many ranges. */
const perDatagramOut = 256;
/** Signs of life, path challenges, retired ids. */
const perSecond = 1_024;

export class Overhead {
  readonly #traffic: Traffic;
  #excessBytes = 0;
  #deliveredBytes = 0;
  /** Delivered since the last look. */
  #newBytes = 0;
  // At the last look.
  #datagramsIn = 0;
  #datagramsOut = 0;
  #bytesIn = 0;
  #atMs = performance.now();

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
  }

  /** Bytes of a stream were handed over. */
  delivered(bytes: number): void {
    this.#newBytes += bytes;
  }

  /** All there ever were. */
  get deliveredBytes(): number {
    return this.#deliveredBytes;
  }

  /** Once a flush: how many bytes have come beyond what is explained. */
  look(): number {
    const { datagramsIn, datagramsOut, bytesIn, heardAtMs: atMs } = this.#traffic;
    const explained =
      this.#newBytes * perDeliveredByte +
      (this.#newBytes > 0 ? (datagramsIn - this.#datagramsIn) * perDatagramIn : 0) +
      (datagramsOut - this.#datagramsOut) * perDatagramOut +
      ((atMs - this.#atMs) / 1_000) * perSecond;
    this.#excessBytes = Math.max(0, this.#excessBytes + bytesIn - this.#bytesIn - explained);
    this.#deliveredBytes += this.#newBytes;
    this.#newBytes = 0;
    this.#datagramsIn = datagramsIn;
    this.#datagramsOut = datagramsOut;
    this.#bytesIn = bytesIn;
    this.#atMs = atMs;
    return this.#excessBytes;
  }
}
