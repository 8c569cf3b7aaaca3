/** What the pages name is there: commands, flags, variables, error codes. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { errorTable } from "quicproquo-proto";
import { findingTexts } from "../../services/server/src/ops/doctor/finding.ts";
import { settings } from "../../services/server/src/settings.ts";
import { helpOf } from "./commands.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const names = ["README.md", ...globSync("docs/**/*.md", { cwd: root })];
const pages = names.map((name) => ({ name, text: readFileSync(root + name, "utf8") }));

describe("every page of docs/ and README.md", () => {
  const help = { qpq: "", "qpq-server": "" };
  before(() => {
    help.qpq = helpOf("client/cli/bin/qpq.mjs");
    help["qpq-server"] = helpOf("services/server/bin/qpq-server.mjs");
  });

  for (const program of ["qpq", "qpq-server"] as const) {
    test(`names no command of ${program} that is none`, () => {
      const verbs = new Set(help[program].match(new RegExp(`(?<=^ {2}|\\b${program} )[a-z][a-z-]+(?= |$)`, "gm")));
      // in code alone: behind a back quote, or at the beginning of a line of a block
      const called = new RegExp(`(?:\`|^|[;(] ?|\\$ )${program} ([a-z][a-z-]+)`, "gm");
      let count = 0;
      for (const { name, text } of pages) {
        for (const [, verb = ""] of codeOf(text).matchAll(called)) {
          count++;
          assert.ok(verbs.has(verb), `${name}: ${program} ${verb}`);
        }
      }
      assert.ok(count > 20);
    });
  }

  test("names no variable that no program reads", () => {
    const own = Object.values(settings()).map(({ env }) => env);
    const agent = helpOf("client/cli/bin/qpq.mjs", "bench", "agent");
    const known = new Set([...own, ...(`${help.qpq}${agent}${help["qpq-server"]}`.match(/\bQPQ_[A-Z_]+/g) ?? [])]);
    for (const { name, text } of pages) {
      for (const [variable] of text.matchAll(/\bQPQ_[A-Z][A-Z_]+/g)) {
        assert.ok(known.has(variable) || known.has(variable.replace(/_FILE$/, "")), `${name}: ${variable}`);
      }
    }
  });

  test("names no code of an error or a finding that is none", () => {
    for (const { name, text } of pages) {
      for (const [code] of text.matchAll(/\b[DE]\d\d\d?_[A-Z_]+/g)) {
        assert.ok(Object.hasOwn(errorTable, code) || Object.hasOwn(findingTexts, code), `${name}: ${code}`);
      }
    }
  });
});

/** Blocks and what stands between back quotes, each on a line of its own. */
function codeOf(markdown: string): string {
  return (markdown.match(/^```.*?^```$|`[^`\n]+`/gms) ?? []).join("\n");
}
