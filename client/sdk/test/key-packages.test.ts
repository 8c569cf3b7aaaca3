/** KeyPackages: enough of them on the server, each used once, their private keys on the disk only as long as needed. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { MlsKeyPackage } from "quicproquo-core";
import type { Person } from "./person.ts";
import { Rig, kindsOf } from "./rig.ts";

const rig = await Rig.start();
after(() => rig.close());

const dayMs = 86_400_000;

async function stored({ records }: Person): Promise<MlsKeyPackage[]> {
  return (await records.list("key-package")).map(({ bytes }) => MlsKeyPackage.decode(bytes));
}

test("publishing twice adds nothing, and after some were taken it adds as many", async () => {
  const bob = await rig.person("bob");
  const raw = await rig.raw();
  assert.deepEqual(await bob.chat.publishKeys(), { keyPackages: 20, lastResort: true, hybridKey: true });
  assert.deepEqual(await bob.chat.publishKeys(), { keyPackages: 0, lastResort: false, hybridKey: false });
  for (let i = 0; i < 5; i++) await raw.keyPackageOf(bob.key);
  assert.deepEqual(await bob.chat.publishKeys(), { keyPackages: 5, lastResort: false, hybridKey: false });
});

test("a package that made a member is deleted with its private keys, and the pool is filled up again by sync", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  await bob.chat.publishKeys();
  const before = new Set((await stored(bob)).map(({ ref }) => ref.toHex()));
  const id = await alice.chat.createGroup();
  await alice.chat.invite(id, bob.key);
  await bob.sync();
  const refs = (await stored(bob)).map(({ ref }) => ref.toHex());
  assert.equal([...before].filter((ref) => !refs.includes(ref)).length, 1);
  assert.equal(refs.filter((ref) => !before.has(ref)).length, 1);
});

test("when the pool is empty the last resort lets people in again and again, and the newcomer renews its keys at once", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  const raw = await rig.raw();
  await bob.chat.publishKeys();
  for (let i = 0; i < 20; i++) await raw.keyPackageOf(bob.key);
  const first = await alice.chat.createGroup();
  const second = await alice.chat.createGroup();
  for (const id of [first, second]) await alice.chat.invite(id, bob.key);
  assert.deepEqual(kindsOf(await bob.sync()), ["joined", "joined"]);
  assert.deepEqual(kindsOf(await alice.sync()), ["keysUpdated", "keysUpdated"]);
  assert.deepEqual(
    bob.chat.list().map(({ epoch }) => epoch),
    [2n, 2n],
  );
});

test("packages near their end are replaced; their private keys go when no Welcome can name them any more", async () => {
  const bob = await rig.person("bob");
  await bob.chat.publishKeys();
  const old = new Set((await stored(bob)).filter(({ lastResort }) => !lastResort).map(({ ref }) => ref.toHex()));
  const countOld = async (person: Person): Promise<number> =>
    (await stored(person)).filter(({ ref }) => old.has(ref.toHex())).length;
  const late = await rig.reopened(bob, { clock: () => Date.now() + dayMs - 3_600_000 });
  // the server counts them for an hour more, so only the one that asks is new
  assert.equal((await late.chat.publishKeys()).keyPackages, 1);
  assert.equal(await countOld(late), 20);
  const later = await rig.reopened(late, { clock: () => Date.now() + 8 * dayMs - 60_000 });
  await later.chat.publishKeys();
  assert.equal(await countOld(later), 20, "a Welcome may still be on its way");
  const latest = await rig.reopened(later, { clock: () => Date.now() + 8 * dayMs + 60_000 });
  await latest.chat.publishKeys();
  assert.equal(await countOld(latest), 0);
});

test("the last resort is replaced while a week of it is left", async () => {
  const bob = await rig.person("bob");
  await bob.chat.publishKeys();
  const early = await rig.reopened(bob, { clock: () => Date.now() + 22 * dayMs });
  assert.equal((await early.chat.publishKeys()).lastResort, false);
  const late = await rig.reopened(early, { clock: () => Date.now() + 24 * dayMs });
  assert.equal((await late.chat.publishKeys()).lastResort, true);
});
