/** QPQ_PRODUCTION: what a real server refuses to start with, and what it says to do. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createSelfSigned } from "../../src/self-signed.ts";
import { type ServerProcessOptions, startServerProcess } from "../../testing/server-process.ts";
import { login, newPerson, register } from "./people.ts";
import { RawClient } from "./raw-client.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-production-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

let ownCertificate: Readonly<Record<string, string>>;
before(async () => {
  const { certificateDer, privateKeyDer } = await createSelfSigned("localhost");
  ownCertificate = { "tls-cert": file("own.der", certificateDer), "tls-key": file("own-key.der", privateKeyDer) };
});

/** All is well but for what is given. */
function start({ settings, env, ...others }: ServerProcessOptions = {}) {
  return startServerProcess({
    ...others,
    settings: { ...ownCertificate, ...settings },
    env: { QPQ_PRODUCTION: "true", ...env },
  });
}

/** What it refused for, a line each. */
async function findings(options: ServerProcessOptions): Promise<string[]> {
  let told = "";
  await assert.rejects(start(options), (error: Error) => {
    told = error.message;
    return /code 1: qpq-server: E046_CONFIG QPQ_PRODUCTION/.test(told);
  });
  return told.split("\n").filter((line) => line.startsWith("  - "));
}

async function assertRefused(options: ServerProcessOptions, ...patterns: readonly RegExp[]): Promise<void> {
  const found = await findings(options);
  assert.equal(found.length, patterns.length, found.join("\n"));
  for (const [i, pattern] of patterns.entries()) assert.match(found[i] ?? "", pattern);
}

const goodToken = "4f0d1c1b-a-token-of-somebody";

test("with a certificate of its own, and people who log in, it starts; there is no static token", async () => {
  await using server = await start();
  assert.match(server.words, /^token +none/m);
  assert.equal(server.token, "");
  using client = await RawClient.connect(server, { token: "" });
  const alice = newPerson("alice");
  await register(client, alice);
  using atAlice = await RawClient.connect(server, { token: await login(client, alice) });
  await atAlice.call("peek", { recipientKey: alice.identity.identityKey });
});

test("a token that an earlier start made lets nobody in", async () => {
  await using first = await startServerProcess();
  await first.kill("SIGTERM");
  await using server = await start({ dataDir: first.dataDir });
  using client = await RawClient.connect(server, { token: first.token });
  await assert.rejects(client.call("peek", { recipientKey: new Uint8Array(32) }), { code: "E004_BAD_TOKEN" });
});

test("the static token is for --single-tenant, and then it works", async () => {
  const env = { QPQ_AUTH_TOKEN: goodToken };
  await assertRefused({ env }, /static token is set.*unset QPQ_AUTH_TOKEN.*--single-tenant/);
  await using server = await start({ env, settings: { "single-tenant": true } });
  using client = await RawClient.connect(server);
  await client.call("peek", { recipientKey: new Uint8Array(32) });
});

test("a token that is empty, or that everybody knows, is refused, for one tenant too", async () => {
  await assertRefused({ env: { QPQ_AUTH_TOKEN: "" } }, /token is empty; unset QPQ_AUTH_TOKEN/);
  await assertRefused({ env: { QPQ_AUTH_TOKEN_FILE: file("empty", "\n") } }, /token is empty/);
  const devtoken = { QPQ_AUTH_TOKEN: "devtoken" };
  await assertRefused({ env: devtoken }, /"devtoken"/, /static token is set/);
  const settings = { "single-tenant": true } as const;
  await assertRefused({ env: devtoken, settings }, /"devtoken".*openssl rand.*QPQ_AUTH_TOKEN_FILE/);
  await assertRefused({ settings }, /no static token is given, and none is made.*openssl rand/);
});

test("a certificate that a server made for itself is refused, before and after it is made", async () => {
  const noFiles = { "tls-cert": join(folder, "absent.pem"), "tls-key": join(folder, "absent-key.pem") };
  await assertRefused({ settings: noFiles }, /no certificate .*none is made.*openssl req/);
  await using made = await startServerProcess();
  const settings = { "tls-cert": made.certificateFile, "tls-key": join(made.dataDir, "server-key.der") };
  await assertRefused({ settings }, /made by a server for itself.*openssl req/);
});

test("the command that it tells for a certificate makes one that it takes, and clients too", async () => {
  const settings = { "tls-cert": join(folder, "cert.pem"), "tls-key": join(folder, "key.pem") };
  const [finding = ""] = await findings({ settings });
  const [, command = ""] = /run: (openssl .*) \(/.exec(finding) ?? [];
  execFileSync("sh", ["-c", command], { cwd: folder, stdio: "ignore" });
  await using server = await start({ settings });
  using client = await RawClient.connect(server, { token: "" });
  await client.call("health", {});
});

test("a secret that others can read is refused, with the command that mends it", async () => {
  const token = file("token", goodToken, 0o644);
  const key = file("wide-key.der", readFileSync(String(ownCertificate["tls-key"])), 0o640);
  await assertRefused(
    {
      env: { QPQ_AUTH_TOKEN_FILE: token },
      settings: { "single-tenant": true, "tls-key": key },
    },
    /wide-key\.der can be read by others; run: chmod 600/,
    /token can be read by others; run: chmod 600/,
  );
  chmodSync(token, 0o600);
  await using server = await start({ env: { QPQ_AUTH_TOKEN_FILE: token }, settings: { "single-tenant": true } });
  assert.match(server.words, /^token +from QPQ_AUTH_TOKEN/m);
});

test("a settings file with a secret in it is a secret, too", async () => {
  const config = file("qpq-server.toml", `authToken = "${goodToken}"\n`, 0o644);
  await assertRefused({ settings: { config, "single-tenant": true } }, /qpq-server\.toml can be read by others/);
});

test("identities that need no proof are refused", async () => {
  await assertRefused({ settings: { "allow-unproven-identity": true } }, /--allow-unproven-identity/);
});

test("all that is wrong is told at once, and no secret of it", async () => {
  await using made = await startServerProcess();
  await made.kill("SIGTERM");
  chmodSync(join(made.dataDir, "opaque-setup"), 0o644);
  const found = await findings({
    dataDir: made.dataDir,
    env: { QPQ_AUTH_TOKEN: goodToken },
    settings: {
      "tls-cert": made.certificateFile,
      "tls-key": join(made.dataDir, "server-key.der"),
      "allow-unproven-identity": true,
    },
  });
  const words = [/--single-tenant/, /--allow-unproven-identity/, /server-cert\.der/, /opaque-setup/];
  assert.equal(found.length, words.length, found.join("\n"));
  for (const [i, word] of words.entries()) assert.match(found[i] ?? "", word);
  assert.ok(!found.join().includes(goodToken));
});

test("without it the same starts: it is for trying out", async () => {
  await using server = await startServerProcess({ env: { QPQ_AUTH_TOKEN: "devtoken" } });
  assert.equal(server.token, "devtoken");
});
