/** The page of a load stands alone, is well formed and says what was measured. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { htmlReport } from "../../src/open-loop/html-report.ts";
import { elementsOf } from "../elements-of.ts";
import { madeResult } from "./made-result.ts";

const page = htmlReport(madeResult(), ["p99<50ms: 980 ms"]);
const elements = elementsOf(page.replace("<!doctype html>\n", ""));
const count = (name: string): number => elements.filter((each) => each.name === name).length;

test("figures, errors, plan and what was asserted stand in it", () => {
  for (const words of [
    "1,000 actions, 100/s",
    "990 actions, 99/s",
    "E018_RATE_LIMIT",
    "E028_DEADLINE",
    "missed (E082_LOAD_IN_FLIGHT)",
    "2,000 sent, 1,000 received",
    "100/s for 10 s",
    "p99&lt;50ms: 980 ms",
    "49",
    process.version,
  ]) {
    assert.ok(page.includes(words), words);
  }
});

test("three plots are drawn, each with words for those who do not see it", () => {
  const plots = elements.filter(({ name, attributes }) => name === "svg" && attributes.get("role") === "img");
  assert.equal(plots.length, 3);
  for (const { attributes } of plots) assert.ok((attributes.get("aria-label") ?? "").length > 20);
  const lines = elements.filter(({ attributes }) => attributes.get("class") === "series");
  assert.deepEqual(
    lines.map(({ attributes }) => attributes.get("data-name")),
    ["p50", "p99", "latency", "done", "errors", "missed"],
  );
});

test("nothing on it comes from elsewhere, nothing runs, and it has a language, a title and dark colours", () => {
  assert.equal(count("script") + count("link") + count("img") + count("iframe"), 0);
  assert.doesNotMatch(page.replaceAll("http://www.w3.org/2000/svg", ""), /https?:|url\(|@import/);
  assert.equal(elements[0]?.attributes.get("lang"), "en");
  assert.match(page, /<title>qpq bench enqueue<\/title>/);
  assert.match(page, /prefers-color-scheme:dark/);
});

test("a load in which nothing was done is a page too, and names are escaped", () => {
  const nothing = { ...madeResult(), series: [], curve: [], host: { cpu: '<b onclick="x">&' } };
  assert.doesNotThrow(() => elementsOf(htmlReport(nothing).replace("<!doctype html>\n", "")));
  assert.ok(htmlReport(nothing).includes("&lt;b onclick=&quot;x&quot;&gt;&amp;"));
});
