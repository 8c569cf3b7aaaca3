/** The systemd unit: its syntax and sandbox by systemd's own programs, and that a server lives within its system calls. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeOwnedFolder, removeFolder } from "quicproquo-server/testing/owned-folder";
import { repository } from "./image.ts";

const folder = makeOwnedFolder("qpq-unit-");
after(() => removeFolder(folder));
const unit = `${repository}deploy/systemd/qpq-server.service`;
const text = readFileSync(unit, "utf8");
const programsFolder = "/opt/qpq-server/";

/** The values of a setting that stands in the unit once or more. */
function settingsOf(name: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value = ""]) => value);
}

/** What is left of a list of system calls: `@name` is one of systemd's own lists. */
function callsOf(words: string): readonly string[] {
  return words.split(" ").flatMap((word) => {
    if (!word.startsWith("@")) return word;
    const { stdout } = spawnSync("systemd-analyze", ["syscall-filter", "--no-pager", word], { encoding: "utf8" });
    const lines = stdout
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
    return lines.filter((line) => line !== "" && !line.startsWith("#")).flatMap(callsOf);
  });
}

function verify(file: string): string {
  const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
  return stdout + stderr;
}

test("systemd takes the unit, and its program is where an unpacked archive has it", () => {
  const [start = ""] = settingsOf("ExecStart");
  const here = join(folder, "qpq-server.service");
  writeFileSync(here, text.replaceAll(programsFolder, repository));
  assert.equal(verify(here), "");
  const [, ...words] = start.split(" ");
  const script = words.pop() ?? "";
  assert.ok(script.startsWith(programsFolder));
  const [firstLine = ""] = readFileSync(repository + script.slice(programsFolder.length), "utf8").split("\n");
  assert.equal(words.join(" "), firstLine.replace("#!/usr/bin/env -S node ", ""));
  writeFileSync(here, text.replaceAll(programsFolder, repository).replace("ProtectHome=yes", "ProtectHome=perhaps"));
  assert.match(verify(here), /Failed to parse/);
});

test("systemd makes the unit's user, whose home is the unit's data folder", () => {
  const root = join(folder, "root");
  mkdirSync(join(root, "etc"), { recursive: true });
  const args = [`--root=${root}`, `${repository}deploy/systemd/qpq-server.sysusers`];
  const { status, stderr } = spawnSync("systemd-sysusers", args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const [user = ""] = settingsOf("User");
  const [state = ""] = settingsOf("StateDirectory");
  const made = readFileSync(join(root, "etc/passwd"), "utf8");
  assert.match(made, new RegExp(`^${user}:x:\\d+:\\d+:[^:]*:/var/lib/${state}:\\S*nologin$`, "m"));
});

test("the unit's exposure, as systemd-analyze counts it, is below 2 of 10", () => {
  const args = ["security", "--offline=true", "--no-pager", "--threshold=20", unit];
  const { status, stdout } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /Overall exposure level for qpq-server.service: [01]\.\d/);
});

test("a server with workers starts, serves, answers a probe and stops by the system calls that the unit lets through", async () => {
  const trace = join(folder, "trace");
  const [start = ""] = settingsOf("ExecStart");
  const command = start.replaceAll(programsFolder, repository).split(" ");
  const settings = [
    "--data-dir",
    join(folder, "data"),
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--ops-port",
    "0",
    "--workers",
    "2",
  ];
  const strace = ["--quiet=all", "-ff", "--trace=all", "--output", trace, "--", ...command, ...settings];
  const server = spawn("setpriv", ["--pdeathsig=TERM", "--", "strace", ...strace], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let words = "";
  for (const stream of [server.stdout, server.stderr])
    stream.on("data", (chunk: Buffer) => (words += chunk.toString()));
  const ended = once(server, "close");
  while (!/\/metrics\n/.test(words) && server.exitCode === null)
    await Promise.race([once(server.stdout, "data"), ended]);
  const [, port = ""] = /port (\d+)/.exec(words) ?? [];
  const probe = ["probe", `127.0.0.1:${port}`, "--data-dir", join(folder, "data")];
  const [node = "", ...program] = command;
  const probed = spawnSync(node, [...program, ...probe], { encoding: "utf8" });
  assert.equal(probed.status, 0, probed.stderr + words);
  const tracee = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8").trim();
  process.kill(Number(tracee), "SIGTERM");
  assert.deepEqual(await ended, [0, null], words);

  const [allowed = "", denied = ""] = settingsOf("SystemCallFilter");
  assert.ok(denied.startsWith("~"));
  // SQLite gives its journal the owner of the database, when it is root: as this test is, and the unit is not
  const mayCall = new Set([...callsOf(allowed), "fchown"]);
  for (const call of callsOf(denied.slice(1))) if (call !== "fchown") mayCall.delete(call);
  const files = readdirSync(folder).filter((name) => name.startsWith("trace."));
  const calls = files.map((name) => readFileSync(join(folder, name), "utf8")).join("");
  const found = (pattern: RegExp): string[] => [...new Set(calls.matchAll(pattern).map(([, what = ""]) => what))];
  const refused = found(/^(\w+)\(/gm).filter((call) => !mayCall.has(call));
  assert.ok(mayCall.has("sendmsg") && !mayCall.has("reboot"));
  assert.deepEqual(refused, []);

  const families = settingsOf("RestrictAddressFamilies").join(" ").split(" ");
  assert.deepEqual(
    found(/^socket\((\w+),/gm).filter((family) => !families.includes(family)),
    [],
  );
  // ProcSubset=pid hides all but the processes' own folders; without these Node asks the kernel, and malloc takes a default
  const spared = ["/proc/meminfo", "/proc/version_signature", "/proc/sys/vm/overcommit_memory"];
  assert.deepEqual(
    found(/^open(?:at)?\([^"]*"(\/proc\/[^"]*)"/gm).filter(
      (path) => !/^\/proc\/(?:self|thread-self|\d+)\//.test(path) && !spared.includes(path),
    ),
    [],
  );
});
