/** How qpq reaches its server: which one it trusts, which transport it uses and says so, and that it resumes. */
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";
import { type Run, runQpq, type Setting } from "./run-qpq.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-connect-"));
let server: ServerProcess;
before(async () => {
  server = await startServerProcess({ settings: { "log-level": "warn" } });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const qpq = (args: readonly string[], setting?: Setting): Promise<Run> =>
  runQpq({ server, folder, who: "someone" }, args, setting);

function pinOf(certificate: Uint8Array): Buffer {
  const key = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(key).digest();
}

for (const transport of ["quic", "websocket"] as const) {
  test(`${transport}: a pin of the server's key, in base64 or hex, is enough; another one is E041_CERTIFICATE at once`, async () => {
    const pin = pinOf(server.certificate);
    const other = Buffer.from(pin.toReversed()).toString("hex");
    const byPin = (text: string): Promise<Run> =>
      qpq(["health", "--transport", transport, "--pin", `sha256:${text}`], { env: { QPQ_CA_CERT: "" } });
    assert.ok(server.words.includes(`sha256:${pin.toString("base64")}\n`), "the server prints it at its start");
    assert.equal((await byPin(pin.toString("base64"))).out, "ok\n");
    assert.equal((await byPin(`${other},sha256:${pin.toString("hex")}`)).out, "ok\n");
    const refused = await byPin(other);
    assert.equal(refused.code, 4);
    assert.match(refused.err, /E041_CERTIFICATE .*pinned/);
    const badPin = await byPin("abcd");
    assert.equal(badPin.code, 2);
    assert.match(badPin.err, /E048_USAGE --pin takes sha256:/);
  });

  test(`${transport}: a wrong certificate and a wrong name have texts of their own`, async () => {
    await using other = await startServerProcess({ settings: { "log-level": "warn" } });
    const as = (env: Record<string, string>): Promise<Run> => qpq(["health", "--transport", transport], { env });
    const [wrongCertificate, wrongName] = await Promise.all([
      as({ QPQ_CA_CERT: other.certificateFile }),
      as({ QPQ_SERVER_NAME: "example.org" }),
    ]);
    for (const run of [wrongCertificate, wrongName]) {
      assert.equal(run.code, 4);
      assert.match(run.err, /E041_CERTIFICATE/);
    }
    assert.notEqual(wrongCertificate.err, wrongName.err);
  });

  test(`${transport}: --verbose says which transport was used`, async () => {
    const run = await qpq(["health", "--transport", transport, "--verbose"]);
    assert.equal(run.code, 0, run.err);
    assert.match(run.err, transport === "quic" ? /transport {2}QUIC version 1/ : /transport {2}WebSocket/);
  });
}

test("where UDP is swallowed qpq uses the WebSocket, and says so", async () => {
  const silent = createSocket("udp4");
  silent.bind(0, "127.0.0.1");
  await once(silent, "listening");
  const env = { QPQ_SERVER: `127.0.0.1:${silent.address().port}`, QPQ_WEBSOCKET_PORT: String(server.port) };
  const run = await qpq(["health"], { env });
  assert.equal(run.out, "ok\n", run.err);
  assert.match(run.err, /connected by WebSocket/);
  const quicOnly = await qpq(["health", "--transport", "quic", "--timeout-ms", "500"], { env });
  assert.equal(quicOnly.code, 3);
  silent.close();
});

test("where QUIC gets through nothing is said of the WebSocket", async () => {
  const run = await qpq(["health", "--verbose"]);
  assert.match(run.err, /QUIC version 1/);
  assert.doesNotMatch(run.err, /WebSocket/);
});

test("the next run of the same person resumes the session, which stands encrypted in the records", async () => {
  const first = await qpq(["register-state", "--verbose"]);
  assert.match(first.err, /QUIC version 1, full handshake/);
  const second = await qpq(["refresh-keypackage", "--verbose"]);
  assert.match(second.err, /QUIC version 1, resumed/);
  const records = readFileSync(join(folder, "someone.db"));
  assert.ok(!records.includes("session/"));
  assert.ok(!records.includes(server.certificate.subarray(0, 100)), "a session has the server's certificate in it");
});
