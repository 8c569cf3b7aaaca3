/** Postgres killed and started again under load: nothing that was acknowledged is lost, doubled or received again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPostgresStore, type PostgresStore } from "../../src/store/index.ts";
import { randomOf, seed } from "../../testing/seed.ts";
import { TestPostgres } from "../../testing/postgres.ts";
import { faultsOf, Ledger, noFaults, payloadHashOf } from "./ledger.ts";
import { inboxCount, inboxNumber, messageNumber } from "./messages.ts";
import { insist, Senders } from "./postgres-senders.ts";
import { limits } from "./trial-limits.ts";

const kills = 4;
const senders = 96;

/** Reads, enters it in the ledger, acknowledges; answers when the inbox is empty and nothing more will come. */
async function receive(store: PostgresStore, ledger: Ledger, options: { inbox: number; isOver: () => boolean }) {
  const inbox = inboxNumber(options.inbox);
  for (;;) {
    const isLast = options.isOver();
    const query = { inbox, after: 0n, storeEpoch: 0n, limit: 100, bytesMax: 2 ** 20 };
    const { messages } = await insist(() => store.log.read(query));
    for (const { seq, payload } of messages) ledger.receive({ inbox, seq, payloadHash: payloadHashOf(payload) });
    const last = messages.at(-1)?.seq;
    if (last !== undefined) {
      await insist(() => store.log.ack(inbox, last, 0n));
      ledger.remove(inbox, last);
    } else if (isLast) return;
  }
}

test("over 4 kills under load nothing acknowledged is lost, doubled, reordered or received after its ack", async (t) => {
  t.diagnostic(`SEED=${seed}`);
  const random = randomOf(seed);
  await using postgres = await TestPostgres.start();
  const { url } = await postgres.createDatabase();
  const stores = await Promise.all([1, 2].map(() => openPostgresStore({ url, limits, clock: Date.now })));
  const ledger = new Ledger();
  let isSent = false;
  const load = new Senders({
    count: senders,
    ledger,
    logOf: (sender) => (stores[sender % 2] as PostgresStore).log,
    messageOf: messageNumber,
  });
  const receiving = Promise.all(
    Array.from({ length: inboxCount }, (_, inbox) =>
      receive(stores[inbox % 2] as PostgresStore, ledger, { inbox, isOver: () => isSent }),
    ),
  );
  for (let kill = 0; kill < kills; kill++) {
    await load.acknowledgedMore(200 + Math.floor(random() * 1_500));
    await postgres.cluster.stop(kill % 2 === 0 ? "kill" : "immediate");
    await postgres.cluster.startAgain();
  }
  await load.acknowledgedMore(500);
  await load.end();
  isSent = true;
  await receiving;
  for (const store of stores) {
    assert.ok(store.stats().connectionsLost > 0);
    await store.close();
  }
  t.diagnostic(`${load.acknowledged} acknowledged`);
  assert.deepEqual(faultsOf(ledger.verdict()), noFaults, `SEED=${seed}`);
});
