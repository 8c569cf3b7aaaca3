/** The key store of the reference store. Synchronous; memory.ts gives it the port's shape. */
import { type IdentityKey, latin1 } from "quicproquo-proto";
import type { Clock, HybridKey, KeyPackagePut } from "./port.ts";

type KeyPackage = { readonly bytes: Uint8Array; readonly expiresAtMs: number; isTaken: boolean };

/** Each by its package's bytes in hex, in the order they came. */
type Packages = { readonly single: Map<string, KeyPackage>; readonly lastResort: Map<string, KeyPackage> };

export class MemoryKeyStore {
  readonly #clock: Clock;
  readonly #packages = new Map<string, Packages>();
  readonly #hybridKeys = new Map<string, HybridKey>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  putKeyPackage(put: KeyPackagePut): { kind: "stored" | "full"; remaining: number } {
    const packages = this.#packagesOf(put.identity);
    const pool = put.lastResort ? packages.lastResort : packages.single;
    const name = Buffer.from(put.keyPackage).toString("hex");
    const remaining = this.#living(packages.single).length;
    // A taken package is remembered until it expires: put again, it must not be handed out again.
    if (pool.has(name)) return { kind: "stored", remaining };
    if (put.lastResort) pool.clear();
    else if (remaining >= put.poolMax) return { kind: "full", remaining };
    pool.set(name, { bytes: put.keyPackage, expiresAtMs: put.expiresAtMs, isTaken: false });
    return { kind: "stored", remaining: this.#living(packages.single).length };
  }

  takeKeyPackage(identity: IdentityKey): Uint8Array | undefined {
    const packages = this.#packagesOf(identity);
    const [oldest] = this.#living(packages.single);
    if (oldest !== undefined) {
      oldest.isTaken = true;
      return oldest.bytes.slice();
    }
    return this.#living(packages.lastResort)[0]?.bytes.slice();
  }

  putHybridKey(identity: IdentityKey, key: HybridKey): void {
    this.#hybridKeys.set(latin1(identity), key);
  }

  getHybridKeys(identities: readonly IdentityKey[]): readonly (HybridKey | undefined)[] {
    return identities.map((identity) => this.#hybridKeys.get(latin1(identity)));
  }

  removeOf(identity: IdentityKey): void {
    this.#packages.delete(latin1(identity));
    this.#hybridKeys.delete(latin1(identity));
  }

  /** Forgets expired packages, at most `rowsMax`; answers how many. */
  sweep(rowsMax: number): number {
    const now = this.#clock();
    let rows = 0;
    for (const { single, lastResort } of this.#packages.values()) {
      for (const pool of [single, lastResort]) {
        for (const [name, { expiresAtMs }] of pool) {
          if (rows >= rowsMax) return rows;
          if (expiresAtMs > now) continue;
          pool.delete(name);
          rows++;
        }
      }
    }
    return rows;
  }

  #packagesOf(identity: IdentityKey): Packages {
    const key = latin1(identity);
    const packages = this.#packages.get(key) ?? { single: new Map(), lastResort: new Map() };
    this.#packages.set(key, packages);
    return packages;
  }

  #living(pool: Map<string, KeyPackage>): KeyPackage[] {
    const now = this.#clock();
    return [...pool.values()].filter(({ isTaken, expiresAtMs }) => !isTaken && expiresAtMs > now);
  }
}
