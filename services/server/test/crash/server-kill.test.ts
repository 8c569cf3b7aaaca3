/** A server process killed with SIGKILL in the middle of its clients' sending loses nothing it acknowledged over QUIC. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { faultsOf, Ledger, noFaults, payloadHashOf } from "./ledger.ts";
import { inboxCount, inboxNumber, messageNumber, numberOf } from "./messages.ts";
import { heldMax } from "./planted-faults.ts";
import { randomOf, seed } from "../../testing/seed.ts";

const acknowledgedMin = 10_000;
const connections = 4;
const callersPerConnection = 32;
const settings = { "queue-depth-max": 1_000_000, "log-level": "warn" };

const folder = mkdtempSync(join(tmpdir(), "qpq-kill-"));
after(() => rmSync(folder, { recursive: true, force: true }));

type Trial = { readonly server: ServerProcess; readonly ledger: Ledger; readonly done: Set<number> };

/** Sends messages from the first not yet acknowledged on; kills the server at so many acknowledgements. */
async function sendAndKill({ server, ledger, done }: Trial, killAfterAcks: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: connections }, () => RawClient.connect(server)));
  let next = 0;
  let acknowledged = 0;
  const caller = async (client: RawClient): Promise<void> => {
    for (;;) {
      while (done.has(next)) next++;
      const number = next++;
      const { inbox, payload, messageId } = messageNumber(number);
      const recipientKey = Buffer.from(inbox, "latin1");
      // ends when the server is gone: the call fails as disconnected
      const { seq } = await client.call("enqueue", { recipientKey, payload, idempotencyKey: messageId as Uint8Array });
      ledger.acknowledge({ inbox, seq, payloadHash: payloadHashOf(payload) });
      done.add(number);
      acknowledged++;
      if (acknowledged === killAfterAcks) void server.kill("SIGKILL");
    }
  };
  const callers = clients.flatMap((client) => Array.from({ length: callersPerConnection }, () => caller(client)));
  await server.ended;
  for (const client of clients) client.close();
  for (const { status } of await Promise.allSettled(callers)) assert.equal(status, "rejected");
}

/** Reads every inbox from its beginning over the network. */
async function readAll(server: ServerProcess, ledger: Ledger): Promise<void> {
  using client = await RawClient.connect(server);
  for (let i = 0; i < inboxCount; i++) {
    const inbox = inboxNumber(i);
    for (let cursor = 0n; ; ) {
      const { payloads } = await client.call("peek", {
        recipientKey: Buffer.from(inbox, "latin1"),
        after: cursor,
        limit: 1_000,
      });
      for (const { seq, data } of payloads) {
        assert.equal(numberOf(Uint8Array.from(data)) % inboxCount, i);
        ledger.receive({ inbox, seq, payloadHash: payloadHashOf(data) });
      }
      const last = payloads.at(-1);
      if (last === undefined) break;
      cursor = last.seq;
    }
  }
}

for (const messageLog of ["off", "on"]) {
  test(`10,000 enqueues acknowledged over QUIC survive SIGKILL at random moments, message log ${messageLog}: 0 lost, seq gapless, nothing stored twice`, async (t) => {
    t.diagnostic(`SEED=${seed}`);
    const random = randomOf(seed);
    const dataDir = join(folder, `sound ${messageLog}`);
    // said once: a store that has a log keeps it
    const first = { ...settings, "message-log": messageLog };
    const done = new Set<number>();
    for (let round = 1; done.size < acknowledgedMin; round++) {
      const ledger = new Ledger();
      const server = await startServerProcess({ dataDir, settings: round === 1 ? first : settings });
      await readAll(server, ledger);
      await sendAndKill({ server, ledger, done }, 1 + Math.floor(random() * 5_000));
      await using restarted = await startServerProcess({ dataDir, settings });
      await readAll(restarted, ledger);
      assert.deepEqual(faultsOf(ledger.verdict()), noFaults, `round ${round}, SEED=${seed}`);
    }
    // the last look counts all rounds' messages once more, from an empty ledger
    await using server = await startServerProcess({ dataDir, settings });
    const ledger = new Ledger();
    await readAll(server, ledger);
    const { received } = ledger.verdict();
    assert.deepEqual(faultsOf(ledger.verdict()), noFaults);
    assert.ok(received >= done.size, `${received} stored, ${done.size} acknowledged`);
    t.diagnostic(`${done.size} acknowledged, ${received} stored`);
  });
}

test("a server that acknowledges before it commits is found out by the same trial", async () => {
  const dataDir = join(folder, "planted");
  const program = fileURLToPath(new URL("./planted-server.ts", import.meta.url));
  const ledger = new Ledger();
  const env = { PLANTED_FAULT: "ack-before-commit" };
  const server = await startServerProcess({ dataDir, settings, program, env });
  await sendAndKill({ server, ledger, done: new Set() }, heldMax / 2);
  await using restarted = await startServerProcess({ dataDir, settings });
  await readAll(restarted, ledger);
  assert.ok(faultsOf(ledger.verdict()).lost >= heldMax / 2);
});
