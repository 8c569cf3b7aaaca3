/** Waiting in tests without a clock. */

/**
 * Everything that was on its way has arrived: sessions and pipes work in microtasks only, and those are all done before
 * the next turn of the event loop.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Takes steps until the condition holds; fails after so many that it never will. */
export async function until(holds: () => boolean, step: () => Promise<unknown> = turn): Promise<void> {
  for (let round = 0; round < 2_000; round++) {
    if (holds()) return;
    await step();
  }
  throw new Error(`it never holds: ${holds}`);
}
