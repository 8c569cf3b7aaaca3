/**
 * Imported private keys, so that a key that opens several messages is imported once: an X25519 import computes the
 * public half and costs 36 us in Node 26, as much as the agreement itself. (Public keys aren't kept: 2.6 us.) Bounded:
 * the key used longest ago goes. Names are hashes, so no secret stays in a string; wipe() lets go of everything.
 */

/** A member opens with its leaf's key and its ancestors', 11 at 1,000 members: 64 hold those of the groups at work. */
export const keyCacheEntriesMax = 64;

export class KeyCache<Key> {
  readonly #entriesMax: number;
  readonly #keys = new Map<string, Key>(); // in order of use, the longest ago first

  constructor(entriesMax: number = keyCacheEntriesMax) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** The key of this name, imported when it isn't here. */
  getOrImport(name: string, importKey: () => Key): Key {
    const known = this.#keys.get(name);
    const key = known ?? importKey();
    this.#keys.delete(name);
    this.#keys.set(name, key);
    if (this.#keys.size > this.#entriesMax) {
      for (const oldest of this.#keys.keys()) {
        this.#keys.delete(oldest);
        break;
      }
    }
    return key;
  }

  /** Lets go of every key. Their bytes lie outside of the JavaScript heap and are freed with them. */
  wipe(): void {
    this.#keys.clear();
  }
}
