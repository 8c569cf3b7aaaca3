/** `qpq-server probe`: its exit code is a health check's. */
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { test } from "node:test";
import { closeCodes } from "quicproquo-transport";
import { listenQuic } from "quicproquo-transport/quic";
import { loadCertificate } from "../../src/certificate.ts";
import { loadConfig } from "../../src/config.ts";
import { startServerProcess } from "../../testing/server-process.ts";
import { runCommand } from "../cluster/run-command.ts";

const otherPin = `sha256:${Buffer.alloc(32, 7).toString("base64")}`;

test("a server that serves is 0, one that shows another key than the pinned one 4, one that has gone 3", async () => {
  await using server = await startServerProcess();
  const at = `127.0.0.1:${server.port}`;
  const well = await runCommand(["probe", at, "--data-dir", server.dataDir]);
  assert.equal(well.code, 0, well.errors);
  assert.match(well.words, /^ok .* over QUIC: handshake [\d.]+ ms, health [\d.]+ ms\n$/);
  const [pin = ""] = /sha256:\S{43}=/.exec(server.words) ?? [];
  const asJson = await runCommand(["probe", at, "--pin", pin, "--json"]);
  assert.equal(JSON.parse(asJson.words).server, at);
  const other = await runCommand(["probe", at, "--pin", otherPin]);
  assert.equal(other.code, 4);
  assert.match(other.errors, /E041_CERTIFICATE .*compare the pin/);
  await server.kill("SIGKILL");
  const gone = await runCommand(["probe", at, "--pin", pin]);
  assert.equal(gone.code, 3);
  assert.match(gone.errors, /E040_CONNECT_FAILED .*run qpq-server doctor/);
});

test("who shakes hands and does not answer is 5, and who says nothing at all 3", async (context) => {
  await using server = await startServerProcess();
  const pair = loadCertificate(loadConfig({ args: ["--data-dir", server.dataDir], env: {} }));
  const mute = await listenQuic({
    host: "127.0.0.1",
    port: 0,
    alpn: ["capnp"],
    certificate: pair.certificate,
    privateKey: pair.privateKey,
    onConnection: (connection) => {
      connection.onStream = () => undefined;
    },
  });
  context.after(() => mute.close(closeCodes.done, ""));
  const flags = ["--data-dir", server.dataDir, "--timeout-ms", "2000"];
  const noAnswer = await runCommand(["probe", `127.0.0.1:${mute.port}`, ...flags]);
  assert.equal(noAnswer.code, 5, noAnswer.errors);
  assert.match(noAnswer.errors, /E028_DEADLINE/);
  const deaf = dgram.createSocket("udp4");
  context.after(() => deaf.close());
  await new Promise<void>((resolve) => deaf.bind(0, "127.0.0.1", resolve));
  const silent = await runCommand(["probe", `127.0.0.1:${deaf.address().port}`, ...flags]);
  assert.equal(silent.code, 3, silent.errors);
  assert.match(silent.errors, /E040_CONNECT_FAILED/);
});

test("without a certificate and without a pin there is nothing to know the server by, and it says what to give", async () => {
  const { code, errors } = await runCommand(["probe"]);
  assert.equal(code, 1);
  assert.match(errors, /E046_CONFIG .*--data-dir.*--pin/);
  for (const words of [
    ["probe", "a", "b"],
    ["probe", "a:b:c"],
    ["probe", "--pin", "sha256:short"],
    ["probe", "--pin"],
  ]) {
    assert.equal((await runCommand(words)).code, 2, words.join(" "));
  }
});
