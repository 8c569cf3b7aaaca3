/** The seed of a trial, of the server or of a client: printed by it, and given again with SEED=... to replay. */
export const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

/** mulberry32: a small generator with a seed, which Math.random has not. */
export function randomOf(state: number): () => number {
  let a = state;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
