/** Lines over an axis. Every value is refused that has no place there; many points are thinned, and keep their peaks. */
import {
  colourOf,
  dashOf,
  legend,
  legendSampleWidth,
  nothingMeasured,
  seriesMax,
  svgDocument,
  type Words,
  xAxis,
  yAxis,
} from "./frame.ts";
import { type ScaleKind, scaleOf } from "./scale.ts";
import { element, rounded } from "./svg.ts";

export type Point = readonly [x: number, y: number];

type Series = {
  readonly name: string;
  /** In any order of x. */
  readonly points: readonly Point[];
};

export type LineChart = Words & {
  readonly x: { readonly label: string; readonly scale?: ScaleKind };
  /** A linear y axis begins at zero, so that a height is an amount. */
  readonly y: { readonly label: string; readonly scale?: ScaleKind };
  /** At most seriesMax (8). */
  readonly series: readonly Series[];
};

const size = { width: 720, height: 400 } as const;
/** Of one line: more than two a pixel cannot be seen. */
export const pointsMax = 1_000;
/** Up to here each point has a dot: they are single measurements. */
const dotsMax = 40;

/** The chart as one SVG element. Throws RangeError on NaN, on too many series, on what is not above zero on a log axis. */
export function lineChart({ title, description, x, y, series }: LineChart): string {
  if (series.length > seriesMax) throw new RangeError(`${series.length} lines: at most ${seriesMax} are told apart`);
  const entries = series.map(({ name }, i) => ({
    name,
    sample: (left: number, top: number) => sampleOf(i, left, top),
  }));
  const names = legend(entries, { left: 12, top: 42, right: size.width - 12 });
  const area = { left: 60, top: 66 + names.height, right: size.width - 24, bottom: size.height - 50 };
  const points = series.flatMap((each) => each.points);
  const across = scaleOf(
    x.scale ?? "linear",
    points.map(([value]) => value),
  );
  const up = scaleOf(
    y.scale ?? "linear",
    points.map(([, value]) => value),
    true,
  );
  const place = ([value, height]: Point): Point => [
    area.left + across.at(value) * (area.right - area.left),
    area.bottom - up.at(height) * (area.bottom - area.top),
  ];
  const lines = series.map((each, i) => lineOf(each, i, place));
  return svgDocument({ title, description }, size, [
    names.svg,
    xAxis(area, across, x),
    yAxis(area, up, y),
    points.length === 0 ? nothingMeasured(area) : "",
    ...lines,
  ]);
}

function lineOf({ name, points }: Series, index: number, place: (point: Point) => Point): string {
  if (points.length === 0) return "";
  const places = thinned(points.toSorted(([a], [b]) => a - b)).map(place);
  const stroke = { fill: "none", stroke: colourOf(index), "stroke-width": 2, "stroke-linejoin": "round" };
  const path = places.map(([left, top]) => `${rounded(left)},${rounded(top)}`).join(" ");
  const line = element("polyline", { points: path, ...stroke, ...dashed(index) });
  const dots =
    places.length > dotsMax
      ? []
      : places.map(([cx, cy]) => element("circle", { cx, cy, r: 2.5, fill: colourOf(index) }));
  return element("g", { class: "series", "data-name": name }, line, ...dots);
}

/** Of each stretch its lowest and highest point, in the order of x: a peak of one point stays. */
function thinned(points: readonly Point[]): readonly Point[] {
  if (points.length <= pointsMax) return points;
  const stretches = pointsMax / 2;
  const kept: Point[] = [];
  for (let i = 0; i < stretches; i++) {
    const [from, to] = [i, i + 1].map((n) => Math.floor((n * points.length) / stretches)) as [number, number];
    let [low, high] = [from, from];
    for (let at = from; at < to; at++) {
      const [, value] = points[at] as Point;
      if (value < (points[low] as Point)[1]) low = at;
      if (value > (points[high] as Point)[1]) high = at;
    }
    for (const at of low === high ? [low] : [Math.min(low, high), Math.max(low, high)]) kept.push(points[at] as Point);
  }
  return kept;
}

function sampleOf(index: number, left: number, top: number): string {
  const ends = { x1: left, x2: left + legendSampleWidth, y1: top, y2: top };
  return element("line", { ...ends, stroke: colourOf(index), "stroke-width": 2, ...dashed(index) });
}

function dashed(index: number): Record<string, string> {
  const dash = dashOf(index);
  return dash === "" ? {} : { "stroke-dasharray": dash };
}
