/** The docs site is built, whole, and leads nowhere that is not there. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { deadLinksOf } from "./dead-links.ts";

const docs = fileURLToPath(new URL("../../docs", import.meta.url));
const modules = fileURLToPath(new URL("../../node_modules", import.meta.url));
const vitepress = join(modules, "vitepress/bin/vitepress.js");

describe("the docs site", () => {
  const folder = mkdtempSync(join(tmpdir(), "qpq-docs-"));
  const site = join(folder, "site");
  let built: Awaited<ReturnType<typeof build>>;
  before(async () => {
    built = await build(docs, site);
  });
  after(() => rmSync(folder, { recursive: true }));

  test("is built of every page", () => {
    assert.equal(built.code, 0, built.errors);
    const pages = globSync("**/*.md", { cwd: docs }).map((page) => page.replace(/\.md$/, ".html"));
    assert.ok(pages.length > 25);
    const made = new Set(globSync("**/*.html", { cwd: site }));
    assert.deepEqual(
      pages.filter((page) => !made.has(page)),
      [],
    );
  });

  test("has no link to a page or a heading that is not there, and takes nothing from another host", () => {
    assert.deepEqual(deadLinksOf(site), []);
  });

  test("shows the way to each of its pages from the first", () => {
    const reached = new Set(["index.html"]);
    for (const page of reached) {
      for (const [, path = ""] of readFileSync(join(site, page), "utf8").matchAll(
        /<a\b[^>]*?\bhref="\/([^"#]+\.html)/g,
      )) {
        reached.add(path);
      }
    }
    const pages = globSync("**/*.html", { cwd: site }).filter((page) => page !== "404.html");
    assert.deepEqual(pages.toSorted(), [...reached].toSorted());
  });

  test("would not hide a dead link: to a page it fails the build, to a heading it is found", async () => {
    const planted = join(folder, "planted");
    cpSync(docs, planted, { recursive: true });
    symlinkSync(modules, join(folder, "node_modules"));
    const page = join(planted, "concepts.md");
    appendFileSync(page, "\n[nothing](quick-start.md#no-such-heading)\n");
    const other = join(folder, "planted-site");
    assert.equal((await build(planted, other)).code, 0);
    assert.deepEqual(deadLinksOf(other), ["concepts.html: ./quick-start.html#no-such-heading"]);
    appendFileSync(page, "\n[nothing](no-such-page.md)\n");
    const { code, errors } = await build(planted, other);
    assert.equal(code, 1);
    assert.match(errors, /dead link.*no-such-page/);
  });
});

async function build(source: string, site: string): Promise<{ code: number; errors: string }> {
  const child = spawn(process.execPath, [vitepress, "build", source, "--outDir", site], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], NO_COLOR: "1" },
  });
  const [[code], words, errors] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
  return { code: code as number, errors: words + errors };
}
