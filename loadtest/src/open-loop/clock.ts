/**
 * One clock for all processes of a load: CLOCK_MONOTONIC, which is one for the whole machine on Linux (clock_gettime(2)),
 * so that what one process sent another can time. On other systems a time is good within its process alone.
 */
const offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** ms since some moment before the machine's start; to 1 us. */
export function machineMs(): number {
  return performance.now() + offsetMs;
}
