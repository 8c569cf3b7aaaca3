/** Another server in the old one's place, with its certificate and port: what qpq has kept shows it. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startServerProcess } from "quicproquo-server/testing";
import { Named } from "./named.ts";

test("its login key and its key of a user are refused with exit code 4, until they are meant", async () => {
  const folder = mkdtempSync(join(tmpdir(), "qpq-cli-changed-"));
  const [states, dataDir] = [join(folder, "states"), join(folder, "data")];
  const settings = { "log-level": "warn", "login-attempts-per-minute": 1_000 };
  try {
    await using first = await startServerProcess({ settings });
    const before = new Named(first, states);
    await before.arrived("alice");
    const bob = await before.arrived("bob");
    assert.equal((await before.ok("alice", ["resolve", "bob"])).out, `${bob}\n`);
    for (const file of ["server-cert.der", "server-key.der"]) cpSync(join(first.dataDir, file), join(dataDir, file));
    await first.kill("SIGKILL");
    await using second = await startServerProcess({ settings, dataDir, port: first.port });
    const now = new Named(second, states);
    // where somebody else took bob's name
    await now.ok("mallory", ["register-user", "bob"]);
    const mallory = await now.keyOf("mallory");
    await now.refused("alice", ["recv"], /E005_SESSION_EXPIRED.*next: qpq login alice/);
    await now.refused("alice", ["login"], /E064_LOGIN_REFUSED/);
    await now.refused("alice", ["passwd"], /E070_LOGIN_SERVER.*--accept-new-key/);
    await now.ok("alice", ["passwd", "--accept-new-key"]);
    await now.refused("alice", ["resolve", "bob"], /E071_CONTACT_KEY.*qpq resolve NAME --accept-new-key/);
    const digits = (await now.ok("alice", ["check-key", bob])).out;
    assert.equal((await now.ok("alice", ["check-key", "bob"])).out, digits, "the key of before stands");
    assert.equal((await now.ok("alice", ["resolve", "bob", "--accept-new-key"])).out, `${mallory}\n`);
    assert.notEqual((await now.ok("alice", ["check-key", "bob"])).out, digits);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
