/**
 * What every chart has around its data: a document with title and description for screen readers, colours for light and
 * dark, axes with ticks, a legend. Static SVG without scripts, to stand in a page or in a file of its own.
 *
 * Why no library: of the well-kept ones Observable Plot and Vega need a DOM or a canvas, and ECharts, which renders without,
 * is 67 MB installed and would come with every qpq; what is drawn here are lines and bars.
 */
import { type Scale, type ScaleKind, shortDate, shortNumber } from "./scale.ts";
import { element, escapeText, textElement } from "./svg.ts";

/** Both are said to those who cannot see the chart; the title is drawn too. */
export type Words = { readonly title: string; readonly description: string };

export type Area = { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number };

const fontPx = 12;
/** Of a sans-serif font, the widest it is likely to be. */
const letterPx = fontPx * 0.58;

/** Paul Tol's bright and light schemes: told apart by people who see few colours. Dashes tell lines apart without any. */
const colours = {
  light: ["#4477aa", "#ee6677", "#228833", "#8a7a18", "#0e7c9b", "#aa3377", "#777777", "#b05a00"],
  dark: ["#77aadd", "#ff99a5", "#7fc98a", "#e6d372", "#99ddff", "#ee99cc", "#bbbbbb", "#ee8866"],
} as const;
const dashes = ["", "7 3", "2 3", "9 3 2 3", "5 5", "12 4", "2 6", "9 3 2 3 2 3"] as const;
/** More lines or parts than that nobody tells apart. */
export const seriesMax = colours.light.length;

/** Of the n-th series, for `stroke` or `fill`. */
export const colourOf = (series: number): string => `var(--series-${series % seriesMax})`;
export const dashOf = (series: number): string => dashes[series % seriesMax] as string;

export type Size = { readonly width: number; readonly height: number };

export function svgDocument({ title, description }: Words, { width, height }: Size, body: readonly string[]): string {
  const root = {
    xmlns: "http://www.w3.org/2000/svg",
    class: "qpq-plot",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": `${title}. ${description}`,
    "font-family": "system-ui, sans-serif",
    "font-size": fontPx,
  };
  return element(
    "svg",
    root,
    element("title", {}, escapeText(title)),
    element("desc", {}, escapeText(description)),
    element("style", {}, styles),
    element("rect", { width, height, fill: "var(--paper)" }),
    textElement(title, { x: 12, y: 22, fill: "var(--ink)", "font-size": 15, "font-weight": 600 }),
    ...body,
  );
}

export type AxisLabel = { readonly label: string; readonly scale?: ScaleKind };

/** Ticks and a name below the area, and lines up through it. */
export function xAxis(area: Area, scale: Scale, { label, scale: kind }: AxisLabel): string {
  const written = scale.ticks.map((tick) => {
    const x = area.left + scale.at(tick) * (area.right - area.left);
    const line = element("line", { x1: x, x2: x, y1: area.top, y2: area.bottom, stroke: "var(--grid)" });
    const text = kind === "date" ? shortDate(tick) : shortNumber(tick);
    return line + textElement(text, { x, y: area.bottom + 16, "text-anchor": "middle", fill: "var(--ink)" });
  });
  const middle = (area.left + area.right) / 2;
  const name = textElement(label, { x: middle, y: area.bottom + 36, "text-anchor": "middle", fill: "var(--ink)" });
  return element("g", { class: "x-axis" }, ...written, name);
}

/** Ticks left of the area, its name above them, and lines across. */
export function yAxis(area: Area, scale: Scale, { label }: AxisLabel): string {
  const written = scale.ticks.map((tick) => {
    const y = area.bottom - scale.at(tick) * (area.bottom - area.top);
    const line = element("line", { x1: area.left, x2: area.right, y1: y, y2: y, stroke: "var(--grid)" });
    const place = { x: area.left - 6, y: y + 4, "text-anchor": "end", fill: "var(--ink)" };
    return line + textElement(shortNumber(tick), place);
  });
  const name = textElement(label, { x: 12, y: area.top - 12, fill: "var(--ink)" });
  return element("g", { class: "y-axis" }, ...written, name);
}

export type LegendEntry = { readonly name: string; readonly sample: (x: number, y: number) => string };
const sampleWidth = 26;

/** In lines of entries from the left; says how high it is. */
export function legend(entries: readonly LegendEntry[], { left, top, right }: Omit<Area, "bottom">) {
  let [x, y] = [left, top];
  const drawn = entries.map(({ name, sample }) => {
    const width = sampleWidth + 6 + textWidth(name) + 18;
    if (x > left && x + width > right) [x, y] = [left, y + 18];
    const text = textElement(name, { x: x + sampleWidth + 6, y: y + 4, fill: "var(--ink)" });
    const entry = sample(x, y) + text;
    x += width;
    return entry;
  });
  return { svg: element("g", { class: "legend" }, ...drawn), height: entries.length === 0 ? 0 : y - top + 18 };
}

export const legendSampleWidth = sampleWidth;

export function textWidth(text: string): number {
  return text.length * letterPx;
}

/** Instead of data, where there is none. */
export function nothingMeasured(area: Area): string {
  const place = { x: (area.left + area.right) / 2, y: (area.top + area.bottom) / 2, "text-anchor": "middle" };
  return textElement("nothing measured", { ...place, fill: "var(--ink)" });
}

function palette(of: readonly string[], ink: string, [paper, grid]: readonly [string, string]): string {
  const series = of.map((colour, i) => `--series-${i}:${colour}`);
  return [`--ink:${ink}`, `--paper:${paper}`, `--grid:${grid}`, ...series].join(";");
}

// of the class, so that a page that the chart stands in keeps its own
const styles = [
  `.qpq-plot{max-width:100%;height:auto;${palette(colours.light, "#1f2328", ["#ffffff", "#d8dee4"])}}`,
  `@media(prefers-color-scheme:dark){.qpq-plot{${palette(colours.dark, "#e6edf3", ["#1b1b1f", "#3a3f45"])}}}`,
].join("");
