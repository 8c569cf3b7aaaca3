/** docs/operate/: who follows its pages installs, backs up, restores and fails over, and loses nothing. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PostgresCluster, TestDatabase } from "../../testing/postgres.ts";
import { faultsOf, Ledger, noFaults } from "../crash/ledger.ts";
import { inboxNumber } from "../crash/messages.ts";
import { readAll } from "../crash/read-all.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { until } from "../workers/rig.ts";
import { Machine } from "./machine.ts";
import { blocksOf, followed } from "./page-drill.ts";
import { Load } from "./page-load.ts";

const install = "operate/install.md";
const backup = "operate/backup.md";
const upgrade = "operate/upgrade.md";
const failover = "operate/failover.md";
/** Enough that there is something under way at any moment. */
const some = 400;

describe("docs/operate/backup.md", () => {
  test("the embedded store comes back with all that was acknowledged before its backup began", async (t) => {
    await using machine = await Machine.begin();
    await machine.drill.run("systemctl start qpq-server");
    const { early, all, cursor } = await underLoad(machine, () =>
      machine.drill.follow(backup, "Back up the embedded store"),
    );
    await machine.drill.follow(backup, "Restore the embedded store");
    assert.equal(await toldTo(machine, cursor), "epochReset");
    await readAll(machine.server, [early, all]);
    t.diagnostic(`${early.verdict().acknowledged} before, ${all.verdict().acknowledged} in all`);
    assert.deepEqual(faultsOf(early.verdict()), noFaults);
    assert.deepEqual({ ...faultsOf(all.verdict()), lost: 0 }, noFaults);
  });

  test("the cluster's store comes back with all that was acknowledged before its dump began", async (t) => {
    await using primary = await PostgresCluster.start();
    await using machine = await installed({ "db-1": primary });
    const { early, all, cursor } = await underLoad(machine, () => machine.drill.follow(backup, "Back up the cluster"));
    await machine.drill.follow(backup, "Restore the cluster");
    assert.equal(await toldTo(machine, cursor), "epochReset");
    await readAll(machine.server, [early, all]);
    t.diagnostic(`${early.verdict().acknowledged} before, ${all.verdict().acknowledged} in all`);
    assert.deepEqual(faultsOf(early.verdict()), noFaults);
    assert.deepEqual({ ...faultsOf(all.verdict()), lost: 0 }, noFaults);
  });
});

test("docs/operate/upgrade.md: a server is replaced under load, and nothing is lost or doubled", async (t) => {
  await using primary = await PostgresCluster.start();
  await using machine = await installed({ "db-1": primary });
  const ledger = new Ledger();
  const load = Load.on(machine.server, [ledger]);
  await load.acknowledgedMore(some);
  await machine.drill.follow(upgrade, "The cluster's store");
  await load.acknowledgedMore(some);
  await load.end();
  await readAll(machine.server, [ledger]);
  const verdict = ledger.verdict();
  t.diagnostic(`${verdict.acknowledged} acknowledged, ${verdict.received} received`);
  assert.equal(verdict.received, verdict.acknowledged);
  assert.deepEqual(faultsOf(verdict), noFaults);
});

describe("docs/operate/failover.md", () => {
  test("with two synchronous standbys a killed primary costs no acknowledged message, and no server is restarted", async (t) => {
    await using primary = await PostgresCluster.start();
    await using second = await PostgresCluster.standbyOf(primary, "second");
    await using third = await PostgresCluster.standbyOf(primary, "third");
    await using machine = await installed({ "db-1": primary, "db-2": second, "db-3": third });
    await machine.drill.follow(failover, "Before: two synchronous standbys");
    const ledger = new Ledger();
    const load = Load.on(machine.server, [ledger]);
    await load.acknowledgedMore(some);
    // one is behind from here on: it must not be the one that takes over
    await third.stop("fast");
    await load.acknowledgedMore(some);
    await primary.stop("kill");
    await third.startAgain();
    const [ask = "", promote = "", look = ""] = blocksOf(failover, "The primary is gone");
    const furthest = (await machine.drill.run(ask)).trim().split(" ")[1];
    assert.equal(furthest, `127.0.0.1:${second.port}`);
    await machine.drill.run(promote);
    await machine.drill.run(look);
    await load.acknowledgedMore(some);
    await load.end();
    await readAll(machine.server, [ledger]);
    const verdict = ledger.verdict();
    t.diagnostic(`${verdict.acknowledged} acknowledged, ${verdict.received} received`);
    assert.equal(verdict.received, verdict.acknowledged);
    assert.deepEqual(faultsOf(verdict), noFaults);
  });

  test("with an asynchronous standby what had not reached it is lost, and nothing else", async () => {
    await using primary = await PostgresCluster.start();
    await using second = await PostgresCluster.standbyOf(primary, "second");
    await using machine = await installed({ "db-1": primary, "db-2": second });
    const early = new Ledger();
    const all = new Ledger();
    const arriving = Load.on(machine.server, [early, all]);
    await arriving.acknowledgedMore(some);
    await arriving.end();
    await caughtUp(primary, second);
    await second.stop("fast");
    const lost = Load.on(machine.server, [all], early.verdict().acknowledged);
    await lost.acknowledgedMore(some);
    await lost.end();
    const cursor = await cursorOn(machine);
    await primary.stop("kill");
    await second.startAgain();
    await machine.drill.follow(failover, "An asynchronous standby");
    assert.equal(await toldTo(machine, cursor), "epochReset");
    await readAll(machine.server, [early, all]);
    assert.deepEqual(faultsOf(early.verdict()), noFaults);
    assert.deepEqual({ ...faultsOf(all.verdict()), lost: 0 }, noFaults);
    assert.equal(all.verdict().lost.length, all.verdict().acknowledged - early.verdict().acknowledged);
  });
});

test("no block of these pages is left that nobody runs", () => {
  const blocks = [install, backup, upgrade, failover].flatMap((page) => blocksOf(page));
  assert.ok(blocks.length >= 12);
  assert.deepEqual(
    blocks.filter((block) => !followed.has(block)),
    [],
  );
});

/** As the page says, up to a server that serves. */
async function installed(databases: Readonly<Record<string, PostgresCluster>> & { "db-1": PostgresCluster }) {
  await new TestDatabase(databases["db-1"], "postgres").query("CREATE ROLE postgres SUPERUSER LOGIN REPLICATION");
  const machine = await Machine.begin(databases);
  await machine.drill.follow(install, "Several servers over one Postgres");
  return machine;
}

/** What is acknowledged before `act` begins, and all that is until some time after its end; a reader's cursor of then. */
async function underLoad(machine: Machine, act: () => Promise<unknown>) {
  const early = new Ledger();
  const all = new Ledger();
  const load = Load.on(machine.server, [early, all]);
  await load.acknowledgedMore(some);
  load.ledgers.delete(early);
  await act();
  await load.acknowledgedMore(some);
  await load.end();
  return { early, all, cursor: await cursorOn(machine) };
}

type Cursor = { readonly after: bigint; readonly storeEpoch: bigint };
const recipientKey = Buffer.from(inboxNumber(0), "latin1");

/** A reader's who has read on to the end. */
async function cursorOn({ server }: Machine): Promise<Cursor> {
  using client = await RawClient.connect(server);
  const { gap, payloads } = await client.call("peek", { recipientKey, limit: 1_000 });
  return { after: payloads.at(-1)?.seq ?? 0n, storeEpoch: gap.storeEpoch };
}

/** What the reader is told who comes back with it. */
async function toldTo({ server }: Machine, cursor: Cursor): Promise<string> {
  using client = await RawClient.connect(server);
  const { gap } = await client.call("peek", { recipientKey, ...cursor });
  return gap.kind;
}

async function caughtUp(primary: PostgresCluster, standby: PostgresCluster): Promise<void> {
  const [{ lsn } = {}] = await new TestDatabase(primary, "postgres").query("SELECT pg_current_wal_lsn() AS lsn");
  const sql = "SELECT coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false) AS yes";
  await until(async () => (await new TestDatabase(standby, "postgres").query(sql, [lsn]))[0]?.["yes"] === true);
}
