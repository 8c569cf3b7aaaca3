/** So many calls by a few callers, and the time of each. */
export type CallsOptions = {
  readonly callers: number;
  readonly calls: number;
  readonly call: () => Promise<unknown>;
};

/** ms of each. */
export async function timeCalls({ callers, calls, call }: CallsOptions): Promise<readonly number[]> {
  const timesMs: number[] = [];
  let begun = 0;
  const caller = async (): Promise<void> => {
    while (begun < calls) {
      begun++;
      const beganMs = performance.now();
      await call();
      timesMs.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return timesMs;
}
