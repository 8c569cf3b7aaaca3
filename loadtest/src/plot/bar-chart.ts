/** Bars to the right, one below the other, each with its name, its value and the spread of its runs; or of stacked parts. */
import {
  colourOf,
  legend,
  legendSampleWidth,
  nothingMeasured,
  seriesMax,
  svgDocument,
  textWidth,
  type Words,
  xAxis,
} from "./frame.ts";
import { type ScaleKind, scaleOf, shortNumber } from "./scale.ts";
import { element, textElement } from "./svg.ts";

type Bar = {
  readonly name: string;
  /** One of each part, zero or above; a single one where the chart has no parts. */
  readonly values: readonly number[];
  /** Least and greatest of the runs, drawn as a whisker. */
  readonly spread?: readonly [min: number, max: number];
  /** Of these bars it is the one that the page is about. */
  readonly ours?: boolean;
};

export type BarChart = Words & {
  /** With a logarithmic scale there are no parts: lengths would not add up. */
  readonly x: { readonly label: string; readonly scale?: Exclude<ScaleKind, "date"> };
  readonly bars: readonly Bar[];
  /** Names of what a bar is stacked of, at most seriesMax (8). */
  readonly parts?: readonly string[];
};

const width = 720;
const rowHeight = 26;
const barHeight = 16;
const barsMax = 60;

/** The chart as one SVG element. Throws RangeError on NaN, values below zero, too many bars or parts. */
export function barChart({ title, description, x, bars, parts = [] }: BarChart): string {
  if (bars.length > barsMax) throw new RangeError(`${bars.length} bars: at most ${barsMax}`);
  if (parts.length > seriesMax) throw new RangeError(`${parts.length} parts: at most ${seriesMax} are told apart`);
  for (const bar of bars) check(bar, parts, x.scale);
  const entries = parts.map((name, i) => ({ name, sample: (left: number, top: number) => swatch(i, left, top) }));
  const names = legend(entries, { left: 12, top: 42, right: width - 12 });
  const top = 40 + names.height;
  const longest = bars.reduce((most, { name }) => Math.max(most, textWidth(name)), 40);
  const area = {
    left: Math.min(longest, 300) + 22,
    top,
    right: width - 70,
    bottom: top + Math.max(1, bars.length) * rowHeight,
  };
  const scale = scaleOf(x.scale ?? "linear", bars.flatMap(extent), true);
  const right = (value: number): number => area.left + scale.at(value) * (area.right - area.left);
  const drawn = bars.map((bar, i) => barOf(bar, { y: top + i * rowHeight, left: area.left, right }));
  return svgDocument({ title, description }, { width, height: area.bottom + 50 }, [
    names.svg,
    xAxis(area, scale, x),
    bars.length === 0 ? nothingMeasured(area) : "",
    ...drawn,
  ]);
}

function check({ name, values, spread = [0, 0] }: Bar, parts: readonly string[], scale: ScaleKind = "linear"): void {
  const wanted = Math.max(1, parts.length);
  if (values.length !== wanted) throw new RangeError(`${name}: ${values.length} values for ${wanted} parts`);
  if (wanted > 1 && scale === "log") throw new RangeError("parts do not add up on a logarithmic axis");
  for (const value of [...values, ...spread]) {
    if (!(value >= 0)) throw new RangeError(`${name}: a bar is not ${value} long`);
  }
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const extent = ({ values, spread }: Bar): readonly number[] => [sum(values), ...(spread ?? [])];

type Row = { readonly y: number; readonly left: number; readonly right: (value: number) => number };

function barOf({ name, values, spread, ours = false }: Bar, { y, left, right }: Row): string {
  const bold = ours ? { "font-weight": 600 } : {};
  const middle = y + rowHeight / 2;
  const label = textElement(name, { x: left - 8, y: middle + 4, "text-anchor": "end", fill: "var(--ink)", ...bold });
  let from = left;
  let total = 0;
  const pieces = values.map((value, part) => {
    total += value;
    const to = right(total);
    // where there are no parts, the colour tells ours from others; so does the weight of the name
    const fill = colourOf(values.length === 1 && !ours ? 6 : part);
    const piece = element("rect", { x: from, y: middle - barHeight / 2, width: to - from, height: barHeight, fill });
    from = to;
    return piece;
  });
  const ends = spread === undefined ? [] : spread.map(right);
  const whisker = spread === undefined ? "" : whiskerOf(ends as [number, number], middle);
  const behind = Math.max(from, ...ends) + 6;
  const value = textElement(shortNumber(total), { x: behind, y: middle + 4, fill: "var(--ink)", ...bold });
  return element("g", { class: "bar", "data-name": name }, label, ...pieces, whisker, value);
}

function whiskerOf([low, high]: readonly [number, number], middle: number): string {
  const stroke = { stroke: "var(--ink)", "stroke-width": 1 };
  const across = element("line", { x1: low, x2: high, y1: middle, y2: middle, ...stroke });
  const ends = [low, high].map((x) => element("line", { x1: x, x2: x, y1: middle - 4, y2: middle + 4, ...stroke }));
  return element("g", { class: "spread" }, across, ...ends);
}

function swatch(part: number, left: number, top: number): string {
  return element("rect", { x: left, y: top - 6, width: legendSampleWidth, height: 12, fill: colourOf(part) });
}
