/**
 * Whether something grows: the median of a run's last quarter beside that of its second, so that neither a start nor a
 * single peak decides.
 */
import { median } from "../report.ts";

export type Series = {
  readonly name: string;
  /** In the order of time, at even distances. */
  readonly values: readonly number[];
  /** So much more is no growth, in the unit of the values: what comes and goes by itself. */
  readonly slack: number;
};

export type Growth = {
  readonly name: string;
  /** Medians. */
  readonly secondQuarter: number;
  readonly lastQuarter: number;
  /** lastQuarter / secondQuarter. */
  readonly ratio: number;
  readonly isGrowing: boolean;
};

/** 1.1: at most 10 % more. */
export const growthMax = 1.1;

/** undefined: fewer than 8 values, of which no quarter could be told. */
export function growthOf({ name, values, slack }: Series): Growth | undefined {
  if (values.length < 8) return undefined;
  const quarter = (n: number): number =>
    median(values.slice(Math.floor((n * values.length) / 4), Math.floor(((n + 1) * values.length) / 4)));
  const [secondQuarter, lastQuarter] = [quarter(1), quarter(3)];
  const isGrowing = lastQuarter > secondQuarter * growthMax && lastQuarter - secondQuarter > slack;
  const ratio = secondQuarter === 0 ? (lastQuarter === 0 ? 1 : Number.POSITIVE_INFINITY) : lastQuarter / secondQuarter;
  return { name, secondQuarter, lastQuarter, ratio, isGrowing };
}
