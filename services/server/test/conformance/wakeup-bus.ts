/** The promises of WakeupBus. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
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
      wakeups.subscribe(alice, () => woken.first.resolve());
      wakeups.subscribe(alice, () => woken.second.resolve());
      wakeups.subscribe(bob, () => wokenBobs++);
      wakeups.publish(alice);
      await Promise.all([woken.first.promise, woken.second.promise]);
      assert.equal(wokenBobs, 0);
    });

    test("a listener that has unsubscribed is not woken, and unsubscribing twice takes nobody else away", async () => {
      await using setup = await Setup.make(subject);
      const { wakeups } = setup.store;
      const woken = Promise.withResolvers<void>();
      let wokenGone = 0;
      const listener = () => wokenGone++;
      const unsubscribe = wakeups.subscribe(alice, listener);
      wakeups.subscribe(alice, () => woken.resolve());
      unsubscribe();
      unsubscribe();
      wakeups.publish(alice);
      await woken.promise;
      assert.equal(wokenGone, 0);
    });

    test("one function subscribed twice is two subscriptions", async () => {
      await using setup = await Setup.make(subject);
      const { wakeups } = setup.store;
      const woken = Promise.withResolvers<void>();
      const listener = () => woken.resolve();
      wakeups.subscribe(alice, listener)();
      wakeups.subscribe(alice, listener);
      wakeups.publish(alice);
      await woken.promise;
    });

    test("a listener that unsubscribes another while it is woken takes no third one's wake-up", async () => {
      await using setup = await Setup.make(subject);
      const { wakeups } = setup.store;
      const woken = Promise.withResolvers<void>();
      const stop: (() => void)[] = [];
      stop.push(wakeups.subscribe(alice, () => stop.forEach((unsubscribe) => unsubscribe())));
      stop.push(wakeups.subscribe(alice, () => undefined));
      wakeups.subscribe(alice, () => woken.resolve());
      wakeups.publish(alice);
      await woken.promise;
    });

    test("a publish that nobody listens to does nothing", async () => {
      await using setup = await Setup.make(subject);
      setup.store.wakeups.publish(alice);
    });
  });
}
