/** What qpq completion prints completes, in the shells themselves. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { program } from "./run-qpq.ts";

const env = { PATH: process.env["PATH"], HOME: "/nonexistent" };
const shells = ["bash", "zsh", "fish"] as const;
const folder = mkdtempSync(join(tmpdir(), "qpq-cli-completion-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A file, as some shells do not check what they read from a pipe. */
const scripts = new Map<string, string>();
before(() => {
  for (const shell of shells) {
    const file = join(folder, shell);
    writeFileSync(file, execFileSync(process.execPath, [program, "completion", shell], { encoding: "utf8", env }));
    scripts.set(shell, file);
  }
});

/** With the script sourced. */
function completions(words: readonly string[]): string[] {
  const typed = words.map((word) => `'${word}'`).join(" ");
  const ask = `COMP_WORDS=(qpq ${typed}); COMP_CWORD=${words.length}; _qpq; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync("bash", ["-c", `source ${scripts.get("bash")}\n${ask}`], { encoding: "utf8", env });
  return out.split("\n").filter((line) => line !== "");
}

test("bash: commands, scenarios of bench, flags of all and those of one", () => {
  assert.deepEqual(completions(["be"]), ["bench"]);
  assert.deepEqual(completions(["re"]).sort(), [
    "recv",
    "refresh-keypackage",
    "register-state",
    "register-user",
    "remove",
    "resolve",
  ]);
  assert.deepEqual(completions(["bench", "res"]), ["resume", "resume-early"]);
  assert.deepEqual(completions(["bench", "push", "--as"]), ["--assert"]);
  assert.deepEqual(completions(["send", "--as"]), []);
  assert.deepEqual(completions(["send", "--ca"]), ["--ca-cert"]);
});

for (const shell of shells) {
  test(`${shell} takes its script`, () => {
    const run = spawnSync(shell, ["-n", scripts.get(shell) as string], { encoding: "utf8", env });
    assert.equal(run.error, undefined);
    assert.deepEqual([run.status, run.stderr], [0, ""]);
  });
}

test("fish: what it says of a word is what the help says", () => {
  const ask = "complete -C 'qpq bench res'";
  const run = spawnSync("fish", ["--no-config", "-c", `source ${scripts.get("fish")}\n${ask}`], {
    encoding: "utf8",
    env,
  });
  assert.match(run.stdout, /^resume\tnew connections by a ticket$/m);
  assert.match(run.stdout, /^resume-early\t/m);
});

test("another shell is refused with those that there are", () => {
  const run = spawnSync(process.execPath, [program, "completion", "tcsh"], { encoding: "utf8", env });
  assert.equal(run.status, 2);
  assert.match(run.stderr, /bash, zsh, fish, not tcsh/);
});
