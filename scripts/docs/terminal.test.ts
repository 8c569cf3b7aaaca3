/** docs/terminal.md shows what the programs print. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { pathOf } from "./pages.ts";
import { takeDown, terminalPage } from "./terminal.ts";

describe("docs/terminal.md", () => {
  const page = readFileSync(pathOf("terminal.md"), "utf8");

  test("is what `node scripts/docs.ts` writes, but for what a doctor says of a machine", async () => {
    const sections = await takeDown();
    const shown = new Map(page.split(/^## /m).map((part) => [part.slice(0, part.indexOf("\n")), part]));
    const asShown = [...sections].map(([title, section]) => {
      if (!section.ofMachine) return [title, section] as const;
      const text = /```text\n(.*)```/s.exec(shown.get(title) ?? "")?.[1] ?? "";
      assert.deepEqual(checksIn(text), checksIn(section.text));
      return [title, { ...section, text }] as const;
    });
    assert.deepEqual(page.split("\n"), terminalPage(new Map(asShown)).split("\n"));
  });

  test("shows all that the quick start has people do", () => {
    const quickStart = readFileSync(pathOf("quick-start.md"), "utf8");
    const blocks = [...quickStart.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block as string);
    const commands = blocks.flatMap((block) => block.match(/^qpq (?!register-state).*$/gm) ?? []);
    assert.ok(commands.length >= 6);
    for (const command of commands) assert.ok(page.includes(`alice$ ${command}\n`), command);
  });
});

/** What was looked at: the second column. */
function checksIn(text: string): string[] {
  const lines = text.split("\n").filter((line) => /^(?:ok|warning|error) /.test(line));
  return lines.map((line) => line.slice(10, 26).trim());
}
