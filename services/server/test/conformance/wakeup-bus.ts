/** The promises of WakeupBus. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HintSource } from "../../src/store/port.ts";
import { inboxOf, Setup, type Subject } from "./subject.ts";

const alice = inboxOf("alice");
const bob = inboxOf("bob");

export function describeWakeupBus(subject: Subject): void {
  describe(`wake-up bus on ${subject.name}`, () => {
    test("a publish wakes every listener of its inbox and no other", async () => {
      await using setup = await Setup.make(subject);
      const { wakeups } = setup.store;
      const woken = { first: Promise.withResolvers<void>(), second: Promise.withResolvers<void>() };
      let wokenBobs = 0;
      await wakeups.subscribe(alice, { onHint: () => woken.first.resolve() });
      await wakeups.subscribe(alice, { onHint: () => woken.second.resolve() });
      await wakeups.subscribe(bob, { onHint: () => wokenBobs++ });
      wakeups.publish(alice);
      await Promise.all([woken.first.promise, woken.second.promise]);
      assert.equal(wokenBobs, 0);
    });

    test("a listener that has unsubscribed is not woken, and unsubscribing twice takes nobody else away", async () => {
      await using setup = await Setup.make(subject);
      const { wakeups } = setup.store;
      const woken = Promise.withResolvers<void>();
      let wokenGone = 0;
      const listener = { onHint: () => wokenGone++ };
      await wakeups.subscribe(alice, listener);
      await wakeups.subscribe(alice, { onHint: () => woken.resolve() });
      wakeups.unsubscribe(alice, listener);
      wakeups.unsubscribe(alice, listener);
      wakeups.publish(alice);
      await woken.promise;
      assert.equal(wokenGone, 0);
    });

    test("a listener that comes back after it has left is woken, told that something was published", async () => {
      await using setup = await Setup.make(subject);
      const { wakeups } = setup.store;
      const woken = Promise.withResolvers<HintSource>();
      const listener = { onHint: woken.resolve };
      await wakeups.subscribe(alice, listener);
      wakeups.unsubscribe(alice, listener);
      await wakeups.subscribe(alice, listener);
      wakeups.publish(alice);
      assert.equal(await woken.promise, "hint");
    });

    test("one listener of two inboxes that leaves one is woken for the other", async () => {
      await using setup = await Setup.make(subject);
      const { wakeups } = setup.store;
      const woken = Promise.withResolvers<HintSource>();
      const listener = { onHint: woken.resolve };
      await wakeups.subscribe(alice, listener);
      await wakeups.subscribe(bob, listener);
      wakeups.unsubscribe(alice, listener);
      wakeups.publish(bob);
      await woken.promise;
    });

    test("a listener that unsubscribes another while it is woken takes no third one's wake-up", async () => {
      await using setup = await Setup.make(subject);
      const { wakeups } = setup.store;
      const woken = Promise.withResolvers<void>();
      const second = { onHint: () => undefined };
      const first = {
        onHint: () => {
          for (const listener of [first, second]) wakeups.unsubscribe(alice, listener);
        },
      };
      for (const listener of [first, second]) await wakeups.subscribe(alice, listener);
      await wakeups.subscribe(alice, { onHint: () => woken.resolve() });
      wakeups.publish(alice);
      await woken.promise;
    });

    test("a claim is told with its word to every listener of its inbox, its own too, and to no other", async () => {
      await using setup = await Setup.make(subject);
      const { wakeups } = setup.store;
      const told = { first: Promise.withResolvers<string>(), second: Promise.withResolvers<string>() };
      let claimedBobs = 0;
      await wakeups.subscribe(alice, { onHint: () => undefined, onClaim: told.first.resolve });
      await wakeups.subscribe(alice, { onHint: () => undefined, onClaim: told.second.resolve });
      await wakeups.subscribe(alice, { onHint: () => undefined });
      await wakeups.subscribe(bob, { onHint: () => undefined, onClaim: () => claimedBobs++ });
      assert.ok(wakeups.claim);
      wakeups.claim(alice, "later");
      assert.deepEqual(await Promise.all([told.first.promise, told.second.promise]), ["later", "later"]);
      assert.equal(claimedBobs, 0);
    });

    test("a publish that nobody listens to does nothing", async () => {
      await using setup = await Setup.make(subject);
      setup.store.wakeups.publish(alice);
    });
  });
}
