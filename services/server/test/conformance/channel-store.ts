/** The promises of ChannelStore. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { identityOf, messageIdOf, Setup, type Subject } from "./subject.ts";

const alice = identityOf("alice");
const bob = identityOf("bob");
const carol = identityOf("carol");

export function describeChannelStore(subject: Subject): void {
  describe(`channel store on ${subject.name}`, () => {
    test("a pair has one channel, whichever is named first, and its members are found by its id", async () => {
      await using setup = await Setup.make(subject);
      const { channels } = setup.store;
      const [one, two, three] = ["one", "two", "three"].map(messageIdOf) as [Uint8Array, Uint8Array, Uint8Array];
      assert.deepEqual(await channels.createChannel({ a: alice, b: bob, newId: one }), {
        channelId: one,
        wasNew: true,
      });
      assert.deepEqual(await channels.createChannel({ a: alice, b: bob, newId: two }), {
        channelId: one,
        wasNew: false,
      });
      assert.deepEqual(await channels.createChannel({ a: bob, b: alice, newId: two }), {
        channelId: one,
        wasNew: false,
      });
      assert.deepEqual(await channels.createChannel({ a: bob, b: alice, newId: one }), {
        channelId: one,
        wasNew: true,
      });
      const again = await channels.createChannel({ a: bob, b: alice, newId: one });
      assert.deepEqual(again, { channelId: one, wasNew: true });
      assert.deepEqual(await channels.createChannel({ a: carol, b: alice, newId: three }), {
        channelId: three,
        wasNew: true,
      });
      if (subject.keeps) await setup.reopen();
      const sorted = (...members: Uint8Array[]) => members.sort(Buffer.compare);
      assert.deepEqual(await setup.store.channels.membersOf(one), sorted(alice, bob));
      assert.deepEqual(await setup.store.channels.membersOf(three), sorted(alice, carol));
      assert.equal(await setup.store.channels.membersOf(two), undefined);
    });

    test("of parallel calls for one pair one makes the channel, and all answer it", async () => {
      await using setup = await Setup.make(subject);
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          setup.store.channels.createChannel({
            a: i % 2 === 0 ? alice : bob,
            b: i % 2 === 0 ? bob : alice,
            newId: messageIdOf(`${i}`),
          }),
        ),
      );
      assert.equal(answers.filter(({ wasNew }) => wasNew).length, 1);
      assert.equal(new Set(answers.map(({ channelId }) => channelId.toString())).size, 1);
    });
  });
}
