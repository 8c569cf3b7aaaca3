/** The process that owns the store goes away and comes back: what its front-ends see. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connectStore, type Store } from "../../src/store/index.ts";
import { hasCode } from "../conformance/codes.ts";
import { defaultLimits, inboxOf, messageIdOf, startMs } from "../conformance/subject.ts";
import { Owner } from "./owner.ts";

const alice = inboxOf("alice");
const query = { inbox: alice, after: 0n, storeEpoch: 0n, limit: 100, bytesMax: 1_000_000 };
const message = (name: string) => ({
  inbox: alice,
  payload: Buffer.from(name),
  messageId: messageIdOf(name),
  expiresAtMs: startMs + 1_000,
});

/** Appends, but answers only when told to. */
function answeringLate(release: Promise<void>, onStored: () => void) {
  return (store: Store): Store => ({
    ...store,
    log: {
      ...store.log,
      async appendAll(entries) {
        const answer = await store.log.appendAll(entries);
        onStored();
        await release;
        return answer;
      },
    },
  });
}

async function untilHealthy(store: Store): Promise<void> {
  for (;;) {
    try {
      return await store.health();
    } catch {
      await new Promise(setImmediate);
    }
  }
}

describe("the owner of the store is lost", () => {
  test("an append that was under way is rejected with E020 and stands; repeated with its id it is no second message", async () => {
    const stored = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    await using owner = await Owner.start({ wrap: answeringLate(release.promise, stored.resolve) });
    const store = await owner.connect();
    const append = store.log.append(message("1"));
    await stored.promise;
    await owner.goAway();
    await assert.rejects(append, hasCode("E020_STORE_UNAVAILABLE"));
    release.resolve();
    await owner.comeBack();
    await untilHealthy(store);
    assert.deepEqual(await store.log.append(message("1")), { kind: "duplicate", seq: 1n });
    assert.equal((await store.log.read(query)).messages.length, 1);
  });

  test("every kind of call in flight is rejected with E020, and while it is away calls are rejected at once", async () => {
    await using owner = await Owner.start();
    const store = await owner.connect();
    const calls = () => [
      store.log.append(message("1")),
      store.log.read(query),
      store.log.ack(alice, 1n, 0n),
      store.log.sweep(10),
      store.keys.takeKeyPackage(message("1").messageId as never),
      store.health(),
      ...Array.from({ length: 1_000 }, () => store.log.read(query)),
    ];
    const gone = owner.goAway();
    for (const result of [
      ...(await Promise.allSettled(calls())),
      ...(await gone.then(() => Promise.allSettled(calls()))),
    ]) {
      assert.equal(result.status, "rejected");
      assert.ok(hasCode("E020_STORE_UNAVAILABLE")(result.reason));
    }
    await owner.comeBack();
    await untilHealthy(store);
    assert.deepEqual(await store.log.append(message("1")), { kind: "stored", seq: 1n });
  });

  test("when it is back each of 2,500 listeners is called once, one that has left is not, and hints arrive again", async () => {
    await using owner = await Owner.start();
    const [store, other] = [await owner.connect(), await owner.connect()];
    const inboxes = Array.from({ length: 2_500 }, (_, i) => inboxOf(`inbox ${i}`));
    const calls = new Map<string, number>();
    const all = Promise.withResolvers<void>();
    for (const inbox of inboxes) {
      store.wakeups.subscribe(inbox, {
        onHint(source) {
          assert.equal(source, calls.has(inbox) ? "hint" : "reconnect");
          calls.set(inbox, (calls.get(inbox) ?? 0) + 1);
          if (calls.size === inboxes.length) all.resolve();
        },
      });
    }
    let calledLeaver = 0;
    const leaver = { onHint: () => calledLeaver++ };
    store.wakeups.subscribe(alice, leaver);
    await store.health();
    await owner.goAway();
    store.wakeups.unsubscribe(alice, leaver);
    await owner.comeBack();
    await all.promise;
    assert.ok([...calls.values()].every((count) => count === 1));
    await untilHealthy(other);
    other.wakeups.publish(alice);
    const last = inboxes.at(-1) as (typeof inboxes)[number];
    const hinted = Promise.withResolvers<void>();
    store.wakeups.subscribe(last, { onHint: () => hinted.resolve() });
    await store.health();
    other.wakeups.publish(last);
    await hinted.promise;
    assert.equal(calledLeaver, 0);
  });

  test("an append made while a listener's front-end was cut off is found by the look it is told to take", async () => {
    await using owner = await Owner.start();
    const store = await owner.connect();
    const found = Promise.withResolvers<number>();
    store.wakeups.subscribe(alice, {
      onHint() {
        store.log.read(query).then(({ messages }) => found.resolve(messages.length), found.reject);
      },
    });
    await store.health();
    await owner.goAway();
    await owner.store.log.append(message("1"));
    owner.store.wakeups.publish(alice);
    await owner.comeBack();
    assert.equal(await found.promise, 1);
  });

  test("connecting where there is no owner ends with E020, and leaves nothing that keeps the process alive", async () => {
    await using owner = await Owner.start();
    const connecting = connectStore({ path: `${owner.path}-not`, limits: defaultLimits, connectMsMax: 50 });
    await assert.rejects(connecting, hasCode("E020_STORE_UNAVAILABLE"));
  });

  test("a close waits for what is in flight, and one without an owner ends", async () => {
    const stored = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    await using owner = await Owner.start({ wrap: answeringLate(release.promise, stored.resolve) });
    const [store, other] = [await owner.connect(), await owner.connect()];
    const append = store.log.append(message("1"));
    await stored.promise;
    const closed = store.close();
    release.resolve();
    await closed;
    assert.deepEqual(await append, { kind: "stored", seq: 1n });
    await owner.goAway();
    await other.close();
  });
});
