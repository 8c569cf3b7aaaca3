/** A C++ client that opens a Session and subscribes, all in one round trip, on the real server (docs/wire.md, Session). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type NodeClientRig, seqsIn, upTo } from "./node-client-rig.ts";

/** Of struct Message in rpc.capnp. */
const callTag = 2;

export function testSubscribing(rig: NodeClientRig): void {
  const { cpp } = rig;

  /** seqs that the sink was handed, in order. */
  function delivered(sink: string): readonly number[] {
    const pushes = cpp.told(sink).filter((line) => line.startsWith("deliver "));
    return pushes.flatMap((line) => seqsIn(line.split(" ").slice(2).join(" ")));
  }

  async function deliveredUntil(sink: string, seqs: readonly number[]): Promise<void> {
    await cpp.toldUntil(sink, () => delivered(sink).length >= seqs.length);
    assert.deepEqual(delivered(sink), seqs);
  }

  test("openSession, inbox and subscribe go out before any answer comes, and what stands and what comes is delivered", async () => {
    const inbox = await rig.filled(3);
    const [reader, sender] = [await rig.connected(), await rig.connected()];
    const sink = rig.name("sink");
    // the server calls the sink while the client has not seen a byte of an answer
    const pushed = reader.joint.hold((message) => message.getUint16(0) === callTag);
    const subscribed = cpp.call("subscribe", reader.name, sink, inbox, 100, "take");
    await pushed;
    reader.joint.letGo();
    assert.equal(await subscribed, "subscribed");
    await deliveredUntil(sink, [1, 2, 3]);
    await cpp.call("enqueue", sender.name, inbox, "m4", 1);
    await deliveredUntil(sink, [1, 2, 3, 4]);
    await rig.standing(sender.name, inbox, [1, 2, 3, 4]);
  });

  test("the first deliver says where an empty inbox stands", async () => {
    const inbox = await rig.filled(0);
    const { name } = await rig.connected();
    const sink = rig.name("sink");
    await cpp.call("subscribe", name, sink, inbox, 100, "take");
    await cpp.toldUntil(sink, (told) => told.length > 0);
    assert.deepEqual(cpp.told(sink), ["deliver none:0 "]);
  });

  test("delivers that are not taken are no more than the window", async () => {
    const inbox = await rig.filled(10);
    const { name } = await rig.connected();
    const sink = rig.name("sink");
    await cpp.call("subscribe", name, sink, inbox, 4, "hold");
    await deliveredUntil(sink, upTo(4));
    await cpp.call("peek", name, inbox); // a later answer of the same session: nothing more is on its way
    assert.deepEqual(delivered(sink), upTo(4));
    for (let taken = 0; delivered(sink).length < 10; taken++) {
      const seen = delivered(sink).length;
      await cpp.call("take", sink);
      await cpp.toldUntil(sink, () => delivered(sink).length > seen);
    }
    assert.deepEqual(delivered(sink), upTo(10));
  });

  test("ack removes up to its seq", async () => {
    const inbox = await rig.filled(5);
    const { name } = await rig.connected();
    const sink = rig.name("sink");
    await cpp.call("subscribe", name, sink, inbox, 100, "take");
    await deliveredUntil(sink, upTo(5));
    assert.equal(await cpp.call("ack", sink, 3), "removed");
    assert.deepEqual(seqsIn(await cpp.call("peek", name, inbox)), [4, 5]);
  });

  test("a newer subscription ends the older one, which is told why and gets nothing more", async () => {
    const inbox = await rig.filled(1);
    const [first, second] = [await rig.connected(), await rig.connected()];
    const [older, newer] = [rig.name("sink"), rig.name("sink")];
    await cpp.call("subscribe", first.name, older, inbox, 100, "take");
    await deliveredUntil(older, [1]);
    await cpp.call("subscribe", second.name, newer, inbox, 100, "take");
    await cpp.toldUntil(older, (told) => told.some((line) => line.startsWith("end E062_SUBSCRIPTION_REPLACED")));
    await deliveredUntil(newer, [1]);
    await cpp.call("enqueue", first.name, inbox, "m2", 1);
    await deliveredUntil(newer, [1, 2]);
    await cpp.call("health", first.name); // behind whatever was sent to this session before
    assert.deepEqual(delivered(older), [1]);
  });

  test("a subscription that is dropped is over, and another one begins where it is told to", async () => {
    const inbox = await rig.filled(2);
    const [reader, sender] = [await rig.connected(), await rig.connected()];
    const [first, second] = [rig.name("sink"), rig.name("sink")];
    await cpp.call("subscribe", reader.name, first, inbox, 100, "take");
    await deliveredUntil(first, [1, 2]);
    await cpp.call("drop", first);
    await cpp.call("health", reader.name);
    await cpp.call("enqueue", sender.name, inbox, "m3", 1);
    await cpp.call("subscribe", reader.name, second, inbox, 100, "take");
    await deliveredUntil(second, [1, 2, 3]);
    assert.deepEqual(cpp.told(first), ["deliver none:0 1:2:m1 2:2:m2"]);
  });
}
