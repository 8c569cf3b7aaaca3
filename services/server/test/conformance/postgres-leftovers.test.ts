/** What a deleted account leaves in the database: nothing with its keys, whenever the deletion was broken off. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPostgresStore } from "../../src/store/index.ts";
import { sharedPostgres, type TestDatabase } from "../../testing/postgres.ts";
import { deviceOf } from "./account-rows.ts";
import { fillAccount } from "./filled-account.ts";
import { leftoversInDatabase } from "./leftovers.ts";
import { identityOf, inboxOf, Setup, textsOf } from "./subject.ts";

const alice = identityOf("alice");
const phone = deviceOf(alice, "phone");
const keys = [alice, phone.deviceKey];

/** With alice's account and bob's. */
async function fill(): Promise<{ database: TestDatabase; setup: Setup }> {
  const database = await (await sharedPostgres()).createDatabase();
  const setup = await Setup.make({
    name: "Postgres",
    keeps: true,
    makePlace: async () => ({
      keeps: true,
      open: (options) => openPostgresStore({ url: database.url, ...options }),
      dispose: async () => undefined,
    }),
  });
  await fillAccount(setup, "alice", phone);
  await fillAccount(setup, "bob", deviceOf(identityOf("bob"), "laptop"));
  return { database, setup };
}

test("no table of the database holds a key of a deleted account or its devices", async () => {
  const { database, setup } = await fill();
  await using _ = setup;
  const before = Object.keys(await leftoversInDatabase(database, keys)).sort();
  const expected = ["account", "blob", "block", "channel", "dedupe", "delivery_token", "device", "endpoint"];
  assert.deepEqual(before, [...expected, "hybrid_key", "inbox", "key_package", "message", "token"]);
  await setup.store.accounts.deleteAccount(alice);
  assert.deepEqual(await leftoversInDatabase(database, keys), {});
});

for (const way of ["the sweep", "another call"] as const) {
  test(`a deletion whose front-end ended after its first step is finished by ${way}`, async () => {
    const { database, setup } = await fill();
    await using _ = setup;
    const { accounts } = setup.store;
    // what a front-end's first step does, of which nobody hears
    const [row] = await database.query("SELECT delete_account_step($1, 1) AS is_gone", [alice]);
    assert.equal(row?.is_gone, false);
    assert.equal(await accounts.accountOf("alice"), undefined);
    assert.ok(Object.keys(await leftoversInDatabase(database, keys)).length > 3);
    const again = { username: "alice", identity: alice, record: alice, stretching: 1, createdAtMs: 0 };
    assert.equal(await accounts.putAccount(again), "identityTaken");
    assert.equal(await accounts.putAccount({ ...again, identity: phone.deviceKey }), "identityTaken");
    if (way === "the sweep") await setup.sweepAll();
    else await accounts.deleteAccount(alice);
    assert.deepEqual(await leftoversInDatabase(database, keys), {});
    assert.equal(await accounts.putAccount(again), "created");
    assert.equal(textsOf(await setup.read(inboxOf("bob"))).length, 3);
  });
}
