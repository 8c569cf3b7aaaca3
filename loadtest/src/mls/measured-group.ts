/** What is measured of a group, and how: the same steps for ours, for ts-mls as it comes and for OpenMLS. */

/** Each step starts from the same group again, and answers the ms of its part only. */
export type MeasuredGroup = {
  /** Commits one more member: commit and Welcome are made. */
  readonly add: () => Promise<number>;
  /** Another member takes that commit. */
  readonly processAdd: () => Promise<number>;
  readonly remove: () => Promise<number>;
  /** Renews the committer's keys; nobody has renewed before, so every member is sealed to (the worst case). */
  readonly update: () => Promise<number>;
  /** One message of messageBytes; the mean of messagesATime. */
  readonly encrypt: () => Promise<number>;
  /** The same, by the other member. */
  readonly decrypt: () => Promise<number>;
};

export const messageBytes = 200;
export const messagesATime = 50;

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}
