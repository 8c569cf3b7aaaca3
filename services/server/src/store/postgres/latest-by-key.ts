/**
 * Of each key the latest of what comes and goes by the thousand a second.
 *
 * A Map whose keys are strings and come and go makes V8 rehash it again and again, and each of its tables that has got
 * into the old generation keeps the next ones alive with all they held, until the next full collection (V8's
 * OrderedHashTable: a table that was left points to the one that replaced it). Of messages that had long been answered a
 * tenth survived like that, and a full collection came every second. So nothing is deleted here: who has gone is
 * overwritten, and once in a while the Map is replaced by one of those that are there.
 */

/** Gone ones that may stand in the Map, beside as many as are there: 100 bytes each, the key among it. */
const goneMax = 1_000;

export class LatestByKey<Value extends object> {
  #map = new Map<string, Value | undefined>();
  /** Keys that have a value. */
  #size = 0;

  get(key: string): Value | undefined {
    return this.#map.get(key);
  }

  set(key: string, value: Value): void {
    if (this.#map.get(key) === undefined) this.#size++;
    this.#map.set(key, value);
    if (this.#map.size > 2 * this.#size + goneMax) this.#replace();
  }

  /** If it still is the key's latest. */
  remove(key: string, value: Value): void {
    if (this.#map.get(key) !== value) return;
    this.#map.set(key, undefined);
    this.#size--;
  }

  #replace(): void {
    const map = new Map<string, Value | undefined>();
    for (const [key, value] of this.#map) if (value !== undefined) map.set(key, value);
    this.#map = map;
  }
}
