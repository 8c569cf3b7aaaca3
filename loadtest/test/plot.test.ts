/** What the charts promise whoever puts them into a page: whole documents, everything in its place, nothing that cannot be drawn. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BarChart, barChart } from "../src/plot/bar-chart.ts";
import { type LineChart, lineChart, type Point, pointsMax } from "../src/plot/line-chart.ts";
import { type ScaleKind, scaleOf, shortNumber } from "../src/plot/scale.ts";
import { elementsOf } from "./elements-of.ts";

const words = { title: "Latency", description: "Milliseconds from send to read." };

function lines(points: readonly Point[], y: ScaleKind = "linear"): LineChart {
  return { ...words, x: { label: "msg/s" }, y: { label: "ms", scale: y }, series: [{ name: "p99", points }] };
}

function bars(values: readonly number[]): BarChart {
  return { ...words, x: { label: "msg/s" }, bars: values.map((value, i) => ({ name: `side ${i}`, values: [value] })) };
}

function drawnPoints(svg: string): readonly Point[] {
  return elementsOf(svg)
    .filter(({ name }) => name === "polyline")
    .flatMap(({ attributes }) => (attributes.get("points") as string).split(" "))
    .map((pair) => pair.split(",").map(Number) as unknown as Point);
}

function assertInside(svg: string): void {
  const all = elementsOf(svg);
  const box = all[0]?.attributes.get("viewBox") ?? "";
  const [width = Number.NaN, height = Number.NaN] = box.split(" ").slice(2).map(Number);
  const across = ["x", "x1", "x2", "cx"];
  for (const { name, attributes } of all) {
    for (const [key, value] of attributes) {
      if (across.includes(key)) assert.ok(Number(value) >= 0 && Number(value) <= width, `${name} ${key}=${value}`);
      if (["y", "y1", "y2", "cy"].includes(key))
        assert.ok(Number(value) >= 0 && Number(value) <= height, `${name} ${key}=${value}`);
    }
  }
  for (const [x, y] of drawnPoints(svg)) assert.ok(x >= 0 && x <= width && y >= 0 && y <= height, `${x},${y}`);
}

test("a chart is one well-formed document with a title, a description and a role, and runs no script", () => {
  for (const svg of [
    lineChart(
      lines([
        [1, 2],
        [3, 4],
      ]),
    ),
    barChart(bars([1, 2])),
  ]) {
    const all = elementsOf(svg);
    assert.equal(all[0]?.name, "svg");
    assert.equal(all[0]?.attributes.get("role"), "img");
    assert.match(all[0]?.attributes.get("aria-label") ?? "", /Latency.*Milliseconds/);
    for (const name of ["title", "desc"])
      assert.ok(
        all.some((each) => each.name === name),
        name,
      );
    assert.ok(!all.some(({ name }) => name === "script"));
    assert.doesNotMatch(svg, /https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  }
});

test("names with special characters stay text", () => {
  const name = `<script>"a" & 'b'</script>\u0000`;
  const chart = { ...lines([[1, 2]]), title: name, description: name, series: [{ name, points: [[1, 2]] as Point[] }] };
  assert.ok(!elementsOf(lineChart(chart)).some((each) => each.name === "script"));
  assert.ok(
    !elementsOf(barChart({ ...bars([]), bars: [{ name, values: [1] }] })).some((each) => each.name === "script"),
  );
});

test("any finite values have a place within the chart", () => {
  const finite = fc.double({ noNaN: true, min: -1e12, max: 1e12 });
  const points = fc.array(fc.tuple(finite, finite), { maxLength: 60 });
  fc.assert(
    fc.property(points, (each) => assertInside(lineChart(lines(each)))),
    { numRuns: 150 },
  );
  const positive = fc.double({ noNaN: true, min: 1e-9, max: 1e12 });
  const logPoints = fc.array(fc.tuple(positive, positive), { maxLength: 60 });
  fc.assert(
    fc.property(logPoints, (each) => assertInside(lineChart(lines(each, "log")))),
    { numRuns: 150 },
  );
  fc.assert(
    fc.property(fc.array(positive, { maxLength: 20 }), (each) => assertInside(barChart(bars(each)))),
    { numRuns: 100 },
  );
});

test("without points, and with a single one, there is a chart too", () => {
  assert.match(lineChart(lines([])), /nothing measured/);
  assert.match(barChart(bars([])), /nothing measured/);
  for (const value of [0, 5, -5]) {
    const [point] = drawnPoints(lineChart(lines([[value, value]])));
    assert.ok(point !== undefined);
    assert.equal(elementsOf(lineChart(lines([[value, value]]))).filter(({ name }) => name === "circle").length, 1);
  }
});

test("what has no place is refused, and said", () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => lineChart(lines([[1, bad]])), /no place for (NaN|Infinity)/);
    assert.throws(() => lineChart(lines([[bad, 1]])), RangeError);
    assert.throws(() => barChart(bars([bad])), RangeError);
  }
  assert.throws(() => lineChart(lines([[1, 0]], "log")), /logarithmic axis has no place for 0/);
  assert.throws(() => barChart(bars([-1])), RangeError);
  const crowd = Array.from({ length: 9 }, (_, i) => ({ name: `${i}`, points: [] }));
  assert.throws(() => lineChart({ ...lines([]), series: crowd }), /at most 8/);
  assert.throws(() => barChart({ ...bars([1]), parts: ["a", "b"] }), /1 values for 2 parts/);
});

test("a long run is thinned, keeps a peak of one point, and is no longer than two points a pixel", () => {
  const points = Array.from({ length: 100_000 }, (_, i): Point => [i, i === 77_777 ? 1_000 : 10 + (i % 7)]);
  const drawn = drawnPoints(lineChart(lines(points)));
  assert.ok(drawn.length <= pointsMax, `${drawn.length}`);
  const highest = Math.min(...drawn.map(([, y]) => y));
  assert.equal(drawn.filter(([, y]) => y === highest).length, 1);
  const ordinary = drawn.filter(([, y]) => y !== highest).map(([, y]) => y);
  assert.ok(highest < Math.min(...ordinary) - 100);
});

test("higher values are drawn higher, later ones further right, in any order of points", () => {
  const drawn = drawnPoints(
    lineChart(
      lines([
        [3, 30],
        [1, 10],
        [2, 20],
      ]),
    ),
  );
  assert.deepEqual(
    drawn,
    drawn.toSorted(([a], [b]) => a - b),
  );
  assert.deepEqual(
    drawn,
    drawn.toSorted(([, a], [, b]) => b - a),
  );
});

test("a bar's length is its value, parts lie end to end, the whisker spans the spread", () => {
  const chart = {
    ...bars([]),
    parts: ["quic", "rpc"],
    bars: [{ name: "a", values: [30, 70], spread: [90, 110] }],
  } as const;
  const all = elementsOf(barChart(chart));
  const number = (of: ReadonlyMap<string, string> | undefined, key: string): number => Number(of?.get(key));
  const [quic, rpc] = all
    .filter(({ name, attributes }) => name === "rect" && attributes.get("height") === "16")
    .map(({ attributes }) => attributes);
  assert.ok(Math.abs(number(quic, "x") + number(quic, "width") - number(rpc, "x")) < 0.2);
  assert.ok(Math.abs(number(rpc, "width") / number(quic, "width") - 7 / 3) < 0.02);
  const perUnit = number(quic, "width") / 30;
  const across = all.filter(({ name, attributes }) => name === "line" && attributes.get("stroke") === "var(--ink)")[0]
    ?.attributes;
  assert.ok(Math.abs(number(across, "x1") - number(quic, "x") - 90 * perUnit) < 1);
  assert.ok(Math.abs(number(across, "x2") - number(quic, "x") - 110 * perUnit) < 1);
});

test("ticks are few, round, and reach around the values", () => {
  assert.deepEqual(scaleOf("linear", [0, 9_700]).ticks, [0, 2_000, 4_000, 6_000, 8_000, 10_000]);
  assert.deepEqual(scaleOf("linear", [0.1, 0.3]).ticks, [0.1, 0.15, 0.2, 0.25, 0.3]);
  assert.deepEqual(scaleOf("log", [1, 4_000]).ticks, [1, 10, 100, 1_000, 10_000]);
  const days = scaleOf("date", [Date.UTC(2026, 10, 1, 5), Date.UTC(2026, 10, 3, 7)]).ticks;
  assert.ok(days.length >= 3 && days.every((day) => day % 86_400_000 === 0));
  const values = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(values, (each) => {
      const { ticks } = scaleOf("linear", each);
      assert.ok(ticks.length >= 2 && ticks.length <= 11, `${ticks.length}`);
    }),
  );
});

test("numbers on an axis are short", () => {
  assert.deepEqual([0, 0.25, 12, 1_500, 20_000_000, 3e9].map(shortNumber), ["0", "0.25", "12", "1.5k", "20M", "3G"]);
});
