/** Rates as people type them: 500, a ramp 100..5000, steps 100,500,1000, a spike 100^2000. */
import { QpqError } from "quicproquo-proto";
import type { Phase } from "./schedule.ts";

/** Of one load. What one machine can begin is far below it. */
const ratePerSecondMax = 1_000_000;
const stepsMax = 100;

export const rateWords = "RATE is N, a ramp A..B, steps A,B,C or a spike A^B, in actions a second";

/** Steps are of one length; a spike is the middle fifth. E048_USAGE. */
export function phasesOf(rate: string, seconds: number): readonly Phase[] {
  const ramp = /^([\d.]+?)\.\.([\d.]+)$/.exec(rate);
  if (ramp !== null) {
    return checked(rate, [{ seconds, fromPerSecond: Number(ramp[1]), toPerSecond: Number(ramp[2]) }]);
  }
  const spike = /^([\d.]+)\^([\d.]+)$/.exec(rate);
  const rates = spike === null ? rate.split(",") : [spike[1], spike[2], spike[1]];
  const lengths =
    spike === null ? rates.map(() => seconds / rates.length) : [2, 1, 2].map((part) => (part * seconds) / 5);
  const phases = rates.map((text, i) => {
    const perSecond = /^\d+(\.\d+)?$/.test(text ?? "") ? Number(text) : Number.NaN;
    return { seconds: lengths[i] as number, fromPerSecond: perSecond, toPerSecond: perSecond };
  });
  return checked(rate, phases);
}

function checked(rate: string, phases: readonly Phase[]): readonly Phase[] {
  const rates = phases.flatMap(({ fromPerSecond, toPerSecond }) => [fromPerSecond, toPerSecond]);
  const told = (text: string): QpqError => new QpqError("E048_USAGE", { text: `--rate ${rate}: ${text}` });
  if (rates.some((each) => !Number.isFinite(each))) throw told(rateWords);
  if (phases.length > stepsMax) throw told(`at most ${stepsMax} steps`);
  if (rates.some((each) => each > ratePerSecondMax)) throw told(`at most ${ratePerSecondMax} a second`);
  if (rates.every((each) => each === 0)) throw told("nothing would be due");
  return phases;
}
