/** Many runs, each by the next seed, until one fails, all are done or the time is over. */
import { faultsIn, type Run, simulate } from "./simulation.ts";

export type CampaignOptions = {
  readonly from: number;
  readonly runsMax: number;
  /** Also when the time is over. */
  readonly runsMin?: number;
  readonly msMax?: number;
};

export type Campaign = {
  readonly runs: number;
  /** The first that broke a promise, with its time line. */
  readonly failed: Run | undefined;
  /** How many runs, how fast; or the time line of the one that failed, and how to replay it. */
  readonly lines: readonly string[];
};

export async function campaign(options: CampaignOptions): Promise<Campaign> {
  const { from, runsMax, runsMin = 0, msMax = Number.POSITIVE_INFINITY } = options;
  const startedAtMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedAtMs;
  const sums = { steps: 0, worldMs: 0, acknowledged: 0, received: 0 };
  let done = 0;
  while (done < runsMin || (done < runsMax && elapsedMs() < msMax)) {
    const seed = from + done;
    const replay = `node services/server/test/sim/main.ts --seed ${seed}`;
    const run = await simulate({ seed }).catch((cause: unknown) => {
      throw new Error(`seed ${seed} could not be run to its end; again: ${replay}`, { cause });
    });
    done++;
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += run[name];
    if (faultsIn(run) !== "") {
      const failed = await simulate({ seed, keepLines: true });
      return {
        runs: done,
        failed,
        lines: [...failed.lines, `seed ${seed}: ${faultsIn(failed)}`, `again: ${replay}`],
      };
    }
    // Node's own work, once a run: it does nothing meanwhile
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const seconds = elapsedMs() / 1_000;
  const line =
    `${done} runs from seed ${from} in ${seconds.toFixed(1)} s (${(done / seconds).toFixed(0)}/s): ` +
    `${(sums.worldMs / 3_600_000).toFixed(1)} h of the worlds' time, ${sums.steps} steps, ` +
    `${sums.acknowledged} messages acknowledged, ${sums.received} received`;
  return { runs: done, failed: undefined, lines: [line] };
}
