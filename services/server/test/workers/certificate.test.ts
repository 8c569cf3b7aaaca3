/** A server whose certificate is replaced while it runs: who comes is shown the new one, who is there notices nothing. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { QpqError } from "quicproquo-proto";
import { closeCodes } from "quicproquo-transport";
import { dialQuic } from "quicproquo-transport/quic";
import { dialWebSocket } from "quicproquo-transport/websocket";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { RawSession, TestSink } from "../e2e/raw-session.ts";
import { linesOf, metric, page, pidOf, until } from "./rig.ts";

type Pair = { readonly "tls-cert": string; readonly "tls-key": string };

class Certificates {
  readonly folder: string;

  constructor(test: TestContext) {
    this.folder = mkdtempSync(join(tmpdir(), "qpq-certificate-"));
    test.after(() => rmSync(this.folder, { recursive: true }));
  }

  pair(name: string): Pair {
    return { "tls-cert": join(this.folder, `${name}.pem`), "tls-key": join(this.folder, `${name}-key.pem`) };
  }

  make(name: string, days: number): Pair {
    const pair = this.pair(name);
    const what = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost";
    const where = ["-addext", "subjectAltName=DNS:localhost", "-keyout", pair["tls-key"], "-out", pair["tls-cert"]];
    execFileSync("openssl", [...what.split(" "), "-days", String(days), ...where], { stdio: "ignore" });
    return pair;
  }

  copy(from: Pair, to: Pair): void {
    copyFileSync(from["tls-cert"], to["tls-cert"]);
    copyFileSync(from["tls-key"], to["tls-key"]);
  }
}

async function hangUp(server: ServerProcess, event: "certificate_reloaded" | "certificate_refused"): Promise<void> {
  const before = linesOf(server, event).length;
  void server.kill("SIGHUP");
  // once in the log, once in the audit log
  await until(() => linesOf(server, event).length === before + 2);
}

/** What each transport says to who trusts this certificate alone. */
async function answers(server: ServerProcess, { "tls-cert": file }: Pair): Promise<string[]> {
  const trust = { caCertificate: readFileSync(file) };
  const at = { host: "127.0.0.1", serverName: "localhost", trust };
  const dials = [
    () => dialQuic({ ...at, port: server.port, alpn: ["capnp"] }),
    () => dialWebSocket({ ...at, port: server.websocketPort ?? 0 }),
  ];
  const answers: string[] = [];
  for (const dial of dials) {
    try {
      const connection = await dial();
      answers.push("welcome");
      connection.close(closeCodes.done, "seen");
    } catch (error) {
      answers.push(error instanceof QpqError ? error.code : String(error));
    }
  }
  return answers;
}

const welcome = ["welcome", "welcome"];
const refused = ["E041_CERTIFICATE", "E041_CERTIFICATE"];
const recipientKey = new Uint8Array(32).fill(5);
const dayS = 86_400;

for (const workers of [1, 2]) {
  describe(`with ${workers} ${workers === 1 ? "process" : "workers"}`, () => {
    test("SIGHUP shows a new certificate to all who come, over QUIC and WebSockets; a subscription lives across", async (t) => {
      const certificates = new Certificates(t);
      const shown = certificates.make("shown", 100);
      const first = certificates.pair("first");
      certificates.copy(shown, first);
      await using server = await startServerProcess({ settings: { workers, ...shown } });
      using client = await RawClient.connect(server);
      using session = new RawSession(client.service, server.token);
      const sink = new TestSink();
      session.inbox(recipientKey).subscribe(sink);
      await session.send([{ recipientKey, payload: Buffer.from("before") }]);
      await sink.until(() => sink.seqs.length === 1);
      const second = certificates.make("second", 300);
      certificates.copy(second, shown);
      await hangUp(server, "certificate_reloaded");
      // the kernel gives each connection to some worker: none of them has the old one
      for (let n = 0; n < 5 * workers; n++) {
        assert.deepEqual(await answers(server, second), welcome);
        assert.deepEqual(await answers(server, first), refused);
      }
      await session.send([{ recipientKey, payload: Buffer.from("after") }]);
      await sink.until(() => sink.seqs.length === 2);
      const days = (await metric(server, "qpq_certificate_expiry_seconds")) / dayS;
      assert.ok(days > 299 && days <= 300, String(days));
    });

    test("a pair that cannot be used is told of and not shown; the next good one is", async (t) => {
      const certificates = new Certificates(t);
      const shown = certificates.make("shown", 100);
      const first = certificates.pair("first");
      certificates.copy(shown, first);
      await using server = await startServerProcess({ settings: { workers, ...shown } });
      const second = certificates.make("second", 300);
      copyFileSync(second["tls-cert"], shown["tls-cert"]);
      await hangUp(server, "certificate_refused");
      writeFileSync(shown["tls-cert"], "rubbish");
      await hangUp(server, "certificate_refused");
      rmSync(shown["tls-cert"]);
      await hangUp(server, "certificate_refused");
      const reasons = linesOf(server, "certificate_refused").flatMap(({ stream, reason }) => (stream ? reason : []));
      for (const [i, words] of [/does not belong to the key/, /cannot be read/, /stands alone/].entries()) {
        assert.match(String(reasons[i]), words);
      }
      assert.deepEqual(await answers(server, first), welcome);
      certificates.copy(second, shown);
      await hangUp(server, "certificate_reloaded");
      assert.deepEqual(await answers(server, second), welcome);
      assert.equal((await page(server, "/readyz")).status, 200);
    });

    test("a certificate is told of for its last 30 days, at the start and when it is replaced by such a one", async (t) => {
      const certificates = new Certificates(t);
      const shown = certificates.make("shown", 29);
      await using server = await startServerProcess({ settings: { workers, ...shown } });
      assert.match(server.words, /^valid until +\d{4}-\d\d-\d\d, in 28 days: replace it/m);
      await until(() => linesOf(server, "certificate_expires").length === 2);
      const [line] = linesOf(server, "certificate_expires").filter(({ stream }) => stream === undefined);
      assert.deepEqual([line?.["level"], line?.["count"]], [40, 28]);
      certificates.copy(certificates.make("later", 40), shown);
      await hangUp(server, "certificate_reloaded");
      assert.equal(linesOf(server, "certificate_expires").length, 2);
    });
  });
}

test("a worker that takes a dead one's place shows the certificate of now", async (t) => {
  const certificates = new Certificates(t);
  const shown = certificates.make("shown", 100);
  const first = certificates.pair("first");
  certificates.copy(shown, first);
  await using server = await startServerProcess({ settings: { workers: 2, ...shown } });
  const second = certificates.make("second", 300);
  certificates.copy(second, shown);
  await hangUp(server, "certificate_reloaded");
  const pid = pidOf(server, "0");
  process.kill(pid, "SIGKILL");
  await until(() => pidOf(server, "0") !== pid);
  for (let n = 0; n < 10; n++) assert.deepEqual(await answers(server, first), refused);
});

test("a terminal's hang-up, which comes to every process, ends none of several", async (t) => {
  const certificates = new Certificates(t);
  const shown = certificates.make("shown", 100);
  await using server = await startServerProcess({ launcher: ["setsid"], settings: { workers: 2, ...shown } });
  const before = linesOf(server, "process_started").length;
  const worker = pidOf(server, "0");
  const group = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${worker}/status`, "latin1"))?.[1]);
  process.kill(-group, "SIGHUP");
  await until(() => linesOf(server, "certificate_reloaded").length === 2);
  assert.deepEqual(await answers(server, shown), welcome);
  assert.equal(linesOf(server, "process_started").length, before);
  assert.equal(linesOf(server, "process_ended").length, 0);
});

test("a SIGHUP while the server starts ends nothing, and the pair that is there by then is shown", async (t) => {
  const certificates = new Certificates(t);
  const shown = certificates.make("shown", 100);
  const second = certificates.make("second", 300);
  const dataDir = join(certificates.folder, "data");
  const starting = startServerProcess({ dataDir, settings: shown });
  starting.catch(() => undefined);
  // made behind the certificate's reading
  await until(() => existsSync(join(dataDir, "qpq.db.lock")));
  certificates.copy(second, shown);
  for (const pid of pidsOf(dataDir)) process.kill(pid, "SIGHUP");
  await using server = await starting;
  await until(() => linesOf(server, "certificate_reloaded").length === 2);
  assert.deepEqual(await answers(server, second), welcome);
});

function pidsOf(argument: string): number[] {
  const pids = readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0);
  return pids.filter((pid) => {
    try {
      return pid !== process.pid && readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0").includes(argument);
    } catch {
      return false; // it has ended
    }
  });
}
