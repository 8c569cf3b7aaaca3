/**
 * A C++ client with the real contract and the real server: what a client that keeps its answers, cancels or goes must find.
 * Such a client sends Finish only when it drops the response, which can be much later (docs/wire.md, fetch).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type NodeClientRig, seqsIn, upTo } from "./node-client-rig.ts";

export function testFetching(rig: NodeClientRig): void {
  const { cpp } = rig;

  /** Both take what a fetch of one message at a time needs: a limit, or the time to wait. */
  const methods = [
    ["fetch", 100],
    ["fetchWait", 0],
  ] as const;

  /** One message more is stored behind whatever the calls and Finishes before have made the server write. */
  async function stillStand(name: string, inbox: number, seqs: readonly number[]): Promise<void> {
    const next = seqs.length + 1;
    assert.equal(await cpp.call("enqueue", name, inbox, `m${next}`, 1), `${next}`);
    assert.deepEqual(seqsIn(await cpp.call("peek", name, inbox)), [...seqs, next]);
  }

  for (const [method, limitOrTimeout] of methods) {
    test(`${method}: messages come in order and are removed when the response is dropped, not before`, async () => {
      const inbox = await rig.filled(3);
      const { name } = await rig.connected();
      const answer = rig.name("answer");
      assert.equal(await cpp.call(method, name, answer, inbox, limitOrTimeout), "1:2:m1 2:2:m2 3:2:m3");
      await stillStand(name, inbox, [1, 2, 3]);
      await cpp.call("drop", answer);
      await rig.standing(name, inbox, [4]);
    });

    test(`${method}: a client that holds its response and fetches again gets nothing twice and no error`, async () => {
      const inbox = await rig.filled(2);
      const { name } = await rig.connected();
      const [first, second, third] = [rig.name("answer"), rig.name("answer"), rig.name("answer")];
      assert.equal(await cpp.call(method, name, first, inbox, limitOrTimeout), "1:2:m1 2:2:m2");
      await cpp.call("enqueue", name, inbox, "m3", 1);
      assert.equal(await cpp.call(method, name, second, inbox, limitOrTimeout), "3:2:m3");
      assert.equal(await cpp.call(method, name, third, inbox, limitOrTimeout), "");
      await cpp.call("drop", second);
      await stillStand(name, inbox, [1, 2, 3]);
      await cpp.call("drop", first);
      await rig.standing(name, inbox, [4]);
    });

    test(`${method}: a cancel that crosses the answer removes nothing`, async () => {
      const inbox = await rig.filled(3);
      const { name, joint } = await rig.connected();
      const answer = rig.name("answer");
      const returned = joint.hold();
      const canceled = assert.rejects(cpp.call(method, name, answer, inbox, limitOrTimeout));
      await returned; // and stands in the relay while the Finish goes the other way
      const finished = joint.passed();
      await cpp.call("drop", answer);
      await canceled;
      await finished;
      joint.letGo();
      await stillStand(name, inbox, [1, 2, 3]);
      const again = rig.name("answer");
      assert.deepEqual(seqsIn(await cpp.call(method, name, again, inbox, limitOrTimeout)), [1, 2, 3, 4]);
      await cpp.call("drop", again);
      await rig.standing(name, inbox, []);
    });

    test(`${method}: what a client holds when its connection ends stands again`, async () => {
      const inbox = await rig.filled(2);
      const { name } = await rig.connected();
      assert.deepEqual(seqsIn(await cpp.call(method, name, rig.name("answer"), inbox, limitOrTimeout)), [1, 2]);
      await cpp.call("close", name);
      const next = await rig.connected();
      assert.deepEqual(seqsIn(await cpp.call(method, next.name, rig.name("answer"), inbox, limitOrTimeout)), [1, 2]);
    });
  }

  test("a parked fetchWait is answered by another connection's enqueue", async () => {
    const inbox = await rig.filled(0);
    const [reader, sender] = [await rig.connected(), await rig.connected()];
    const waiting = cpp.call("fetchWait", reader.name, rig.name("answer"), inbox, 30_000);
    await rig.parked(1);
    await cpp.call("enqueue", sender.name, inbox, "hello", 1);
    assert.equal(await waiting, "1:5:hello");
  });

  test("a parked fetchWait that is canceled is parked no longer and takes nothing", async () => {
    const inbox = await rig.filled(0);
    const { name } = await rig.connected();
    const answer = rig.name("answer");
    const canceled = assert.rejects(cpp.call("fetchWait", name, answer, inbox, 30_000));
    await rig.parked(1);
    await cpp.call("drop", answer);
    await canceled;
    await rig.parked(0);
    await cpp.call("enqueue", name, inbox, "hello", 1);
    assert.equal(await cpp.call("fetch", name, rig.name("answer"), inbox, 100), "1:5:hello");
  });

  test("what was dropped is not fetched again by the next call of the same session", async () => {
    const { name } = await rig.connected();
    for (let round = 0; round < 20; round++) {
      const inbox = await rig.filled(3);
      const [first, second] = [rig.name("answer"), rig.name("answer")];
      assert.deepEqual(seqsIn(await cpp.call("fetch", name, first, inbox, 100)), [1, 2, 3]);
      await cpp.call("drop", first);
      assert.equal(await cpp.call("fetch", name, second, inbox, 100), "");
    }
  });

  test("a client that holds 20 MiB of responses goes on and loses nothing", async () => {
    const inbox = await rig.filled(0);
    const { name } = await rig.connected();
    for (const seq of upTo(4))
      assert.equal(await cpp.call("enqueue", name, inbox, "sixteen-bytes-at", 5 << 16), `${seq}`);
    assert.equal(await cpp.call("enqueue", name, inbox, "last", 1), "5");
    const answers = upTo(4).map(() => rig.name("answer"));
    for (const [index, answer] of answers.entries()) {
      const message = await cpp.call("fetch", name, answer, inbox, 1);
      assert.equal(message, `${index + 1}:${5 << 20}:sixteen-bytes-at`);
    }
    const last = rig.name("answer");
    assert.equal(await cpp.call("fetch", name, last, inbox, 100), "5:4:last");
    await rig.standing(name, inbox, [1]); // as much as fits into one answer
    for (const answer of [last, ...answers.toReversed()]) await cpp.call("drop", answer);
    await rig.standing(name, inbox, []);
  });

  test("the response beyond the thousandth that is held is refused, and nothing is lost by it", async () => {
    const [left, right] = [await rig.filled(0), await rig.filled(0)];
    const { name } = await rig.connected();
    const enqueued = upTo(1001).map((n) => cpp.call("enqueue", name, n % 2 === 0 ? left : right, `m${n}`, 1));
    await Promise.all(enqueued);
    const fetchOne = (n: number): Promise<string> => cpp.call("fetch", name, `held${n}`, n % 2 === 0 ? left : right, 1);
    const fetched = await Promise.all(upTo(1000).map(fetchOne));
    assert.equal(new Set(fetched).size, 1000);
    const overloaded = /^1 .*E021_OVERLOADED .*too many fetched answers not yet taken/;
    await assert.rejects(fetchOne(1001), { message: overloaded });
    for (const n of upTo(1000)) await cpp.call("drop", `held${n}`);
    await cpp.call("drop", "held1001");
    await rig.standing(name, right, [501]);
    assert.equal(await fetchOne(1001), "501:5:m1001");
  });

  test("a refused call tells the code in its reason, and the session goes on", async () => {
    const { name } = await rig.connected("not-the-token");
    await assert.rejects(cpp.call("enqueue", name, 200, "m", 1), { message: /^0 .*E004_BAD_TOKEN / });
    assert.equal(await cpp.call("health", name), "ok");
  });
}
