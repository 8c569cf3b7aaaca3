/** The promises of KeyStore. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HybridKey, KeyPackagePut } from "../../src/store/port.ts";
import { identityOf, Setup, type Subject } from "./subject.ts";

const alice = identityOf("alice");
const bob = identityOf("bob");

export function describeKeyStore(subject: Subject): void {
  describe(`key store on ${subject.name}`, () => {
    describeKeyPackages(subject);
    describeLastResort(subject);
    describeHybridKeys(subject);
  });
}

function describeKeyPackages(subject: Subject): void {
  test("packages are taken oldest first, each once, and only by their identity's name", async () => {
    await using setup = await Setup.make(subject);
    const { keys } = setup.store;
    assert.equal(await keys.takeKeyPackage(alice), undefined);
    assert.deepEqual(await keys.putKeyPackage(packageOf(setup, "a1")), { kind: "stored", remaining: 1 });
    assert.deepEqual(await keys.putKeyPackage(packageOf(setup, "a2")), { kind: "stored", remaining: 2 });
    assert.equal(await keys.takeKeyPackage(bob), undefined);
    assert.equal(textOf(await keys.takeKeyPackage(alice)), "a1");
    assert.equal(textOf(await keys.takeKeyPackage(alice)), "a2");
    assert.equal(await keys.takeKeyPackage(alice), undefined);
  });

  test("100 parallel takes of 60 packages give each package once and 40 times nothing", async () => {
    await using setup = await Setup.make(subject);
    const { keys } = setup.store;
    const names = Array.from({ length: 60 }, (_, i) => `package ${i}`);
    await Promise.all(names.map((name) => keys.putKeyPackage(packageOf(setup, name))));
    const taken = await Promise.all(Array.from({ length: 100 }, () => keys.takeKeyPackage(alice)));
    assert.equal(taken.filter((bytes) => bytes === undefined).length, 40);
    assert.deepEqual(new Set(taken.flatMap((bytes) => (bytes === undefined ? [] : [textOf(bytes)]))), new Set(names));
  });

  test("the same package again changes nothing, and once taken it is never handed out again", async () => {
    await using setup = await Setup.make(subject);
    const { keys } = setup.store;
    await keys.putKeyPackage(packageOf(setup, "a1"));
    assert.deepEqual(await keys.putKeyPackage(packageOf(setup, "a1")), { kind: "stored", remaining: 1 });
    assert.equal(textOf(await keys.takeKeyPackage(alice)), "a1");
    assert.deepEqual(await keys.putKeyPackage(packageOf(setup, "a1")), { kind: "stored", remaining: 0 });
    assert.equal(await keys.takeKeyPackage(alice), undefined);
  });

  test("a full pool stores nothing, but still knows the packages it holds, and has room after a take", async () => {
    await using setup = await Setup.make(subject);
    const { keys } = setup.store;
    for (const name of ["a1", "a2"]) await keys.putKeyPackage({ ...packageOf(setup, name), poolMax: 2 });
    const third = { ...packageOf(setup, "a3"), poolMax: 2 };
    assert.deepEqual(await keys.putKeyPackage(third), { kind: "full", remaining: 2 });
    const again = { ...packageOf(setup, "a2"), poolMax: 2 };
    assert.deepEqual(await keys.putKeyPackage(again), { kind: "stored", remaining: 2 });
    assert.equal(textOf(await keys.takeKeyPackage(alice)), "a1");
    assert.deepEqual(await keys.putKeyPackage(third), { kind: "stored", remaining: 2 });
  });

  test("of parallel puts into one pool no more than poolMax are stored", async () => {
    await using setup = await Setup.make(subject);
    const puts = Array.from({ length: 30 }, (_, i) => ({ ...packageOf(setup, `${i}`), poolMax: 10 }));
    const answers = await Promise.all(puts.map((put) => setup.store.keys.putKeyPackage(put)));
    assert.equal(answers.filter(({ kind }) => kind === "stored").length, 10);
    assert.ok(answers.every(({ remaining }) => remaining <= 10));
  });

  test("an expired package is not handed out and takes no room, and the sweep removes it", async () => {
    await using setup = await Setup.make(subject);
    const { keys, log } = setup.store;
    await keys.putKeyPackage({ ...packageOf(setup, "old"), expiresAtMs: setup.nowMs + 100, poolMax: 1 });
    setup.nowMs += 100;
    const fresh = { ...packageOf(setup, "fresh"), poolMax: 1 };
    assert.deepEqual(await keys.putKeyPackage(fresh), { kind: "stored", remaining: 1 });
    assert.equal(await log.sweep(10), 1);
    assert.equal(textOf(await keys.takeKeyPackage(alice)), "fresh");
    assert.equal(await keys.takeKeyPackage(alice), undefined);
  });

  if (subject.keeps) {
    test("a package taken before reopening is not handed out after it; one that was not, is", async () => {
      await using setup = await Setup.make(subject);
      for (const name of ["a1", "a2"]) await setup.store.keys.putKeyPackage(packageOf(setup, name));
      await setup.store.keys.takeKeyPackage(alice);
      await setup.reopen();
      assert.equal(textOf(await setup.store.keys.takeKeyPackage(alice)), "a2");
      assert.equal(await setup.store.keys.takeKeyPackage(alice), undefined);
    });
  }
}

function describeLastResort(subject: Subject): void {
  test("the last-resort package answers an empty pool, again and again, and takes no room in the pool", async () => {
    await using setup = await Setup.make(subject);
    const { keys } = setup.store;
    const last = { ...packageOf(setup, "last"), lastResort: true, poolMax: 1 };
    assert.deepEqual(await keys.putKeyPackage(last), { kind: "stored", remaining: 0 });
    const single = { ...packageOf(setup, "single"), poolMax: 1 };
    assert.deepEqual(await keys.putKeyPackage(single), { kind: "stored", remaining: 1 });
    const taken = [];
    for (let i = 0; i < 3; i++) taken.push(textOf(await keys.takeKeyPackage(alice)));
    assert.deepEqual(taken, ["single", "last", "last"]);
    if (subject.keeps) await setup.reopen();
    assert.equal(textOf(await setup.store.keys.takeKeyPackage(alice)), "last");
  });

  test("a last-resort package replaces the one before it, also in a full pool", async () => {
    await using setup = await Setup.make(subject);
    const { keys } = setup.store;
    for (const name of ["old", "new"]) {
      await keys.putKeyPackage({ ...packageOf(setup, name), lastResort: true, poolMax: 0 });
    }
    assert.equal(textOf(await keys.takeKeyPackage(alice)), "new");
  });

  test("an expired last-resort package is not handed out", async () => {
    await using setup = await Setup.make(subject);
    const { keys } = setup.store;
    await keys.putKeyPackage({ ...packageOf(setup, "last"), lastResort: true, expiresAtMs: setup.nowMs + 100 });
    setup.nowMs += 100;
    assert.equal(await keys.takeKeyPackage(alice), undefined);
  });
}

function describeHybridKeys(subject: Subject): void {
  test("hybrid keys are answered in the order asked for, unknown ones as undefined, repeated ones twice", async () => {
    await using setup = await Setup.make(subject);
    const { keys } = setup.store;
    await keys.putHybridKey(alice, hybridKeyOf(1));
    await keys.putHybridKey(bob, hybridKeyOf(2));
    const carol = identityOf("carol");
    const expected = [hybridKeyOf(2), undefined, hybridKeyOf(1), hybridKeyOf(2)];
    assert.deepEqual(await keys.getHybridKeys([bob, carol, alice, bob]), expected);
    assert.deepEqual(await keys.getHybridKeys([]), []);
  });

  test("a hybrid key replaces the one before it", async () => {
    await using setup = await Setup.make(subject);
    for (const n of [1, 2]) await setup.store.keys.putHybridKey(alice, hybridKeyOf(n));
    if (subject.keeps) await setup.reopen();
    assert.deepEqual(await setup.store.keys.getHybridKeys([alice]), [hybridKeyOf(2)]);
  });
}

function packageOf(setup: Setup, text: string): KeyPackagePut {
  const keyPackage = new TextEncoder().encode(text);
  return { identity: alice, keyPackage, expiresAtMs: setup.nowMs + 60_000, lastResort: false, poolMax: 100 };
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

function hybridKeyOf(n: number): HybridKey {
  return { hybridPublicKey: new Uint8Array(1216).fill(n), signature: new Uint8Array(64).fill(n) };
}
