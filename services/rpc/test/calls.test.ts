/** Calls and their answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MethodTable, RpcError, serve } from "../src/index.ts";
import { MessageError } from "../src/message/index.ts";
import { connected, emptyTables, onlyBootstrap, turn } from "./connected.ts";
import { struct, TestPeer } from "../testing/test-peer.ts";

const noFill = (): void => {};

test("a call is answered with what the handler wrote", async () => {
  const { peer } = connected();
  const results = await peer.call(TestPeer.echo, (p) => p.setData(0, new Uint8Array([1, 2, 3])));
  assert.deepEqual([...results.getData(0)], [1, 2, 3]);
});

test("messages survive being delivered in pieces of any size", async () => {
  const payload = Uint8Array.from({ length: 300 }, (_, n) => n);
  for (const chunkBytes of [1, 2, 3, 7, 8, 9, 64, 255]) {
    const { peer } = connected({ chunkBytes });
    const results = await peer.call(TestPeer.echo, (p) => p.setData(0, payload));
    assert.deepEqual(results.getData(0), payload, `pieces of ${chunkBytes} bytes`);
  }
});

test("any data comes back unchanged", async () => {
  const { peer } = connected();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (data) => {
      assert.deepEqual((await peer.call(TestPeer.echo, (p) => p.setData(0, data))).getData(0), data);
    }),
    { numRuns: 100 },
  );
});

test("many calls outstanding are answered each with its own, in the order they were made", async () => {
  const { peer, host } = connected();
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 1000 }, async (_, n) => {
      await peer.call(TestPeer.sequence, (p) => p.setUint32(0, n + 1));
      order.push(n);
    }),
  );
  assert.equal(host.last, 1000);
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
});

test("a handler that waits does not hold back others", async () => {
  const { peer, host } = connected();
  const slow = peer.call(TestPeer.slowLogin, (p) => p.setText(0, "late"));
  for (let n = 1; n <= 100; n++) await peer.call(TestPeer.sequence, (p) => p.setUint32(0, n));
  host.gate.open();
  await slow;
});

test("nothing is left in the tables when calls have been answered", async () => {
  const { peer, client, server } = connected();
  await Promise.all(Array.from({ length: 100 }, () => peer.call(TestPeer.echo, noFill)));
  await turn();
  assert.deepEqual(client.counts, onlyBootstrap);
  assert.deepEqual(server.counts, { ...emptyTables, exports: 1 });
  peer[Symbol.dispose]();
  await turn();
  assert.deepEqual(client.counts, emptyTables);
  assert.deepEqual(server.counts, emptyTables);
});

test("an exception arrives with its type and reason", async () => {
  const { peer } = connected();
  await assert.rejects(Promise.resolve(peer.call(TestPeer.fail, (p) => p.setText(0, "later"))), (error) => {
    assert.ok(error instanceof RpcError);
    assert.deepEqual([error.type, error.reason], ["overloaded", "later"]);
    return true;
  });
});

test("an error that is not an RpcError tells the peer nothing", async () => {
  const bootstrap = new MethodTable().method(TestPeer.echo, () => {
    throw new Error("the password is 1234");
  });
  const { peer } = connected({ server: { bootstrap } });
  await assert.rejects(Promise.resolve(peer.call(TestPeer.echo, noFill)), { type: "failed", message: "internal" });
});

test("errorToException decides what the peer is told, and failing itself tells nothing", async () => {
  const bootstrap = new MethodTable()
    .method(TestPeer.echo, async () => {
      throw new RangeError("full");
    })
    .method(TestPeer.openGate, () => {
      throw new Error("unknown");
    });
  const errorToException = (error: unknown) => {
    if (error instanceof RangeError) return { type: "overloaded", reason: `E018 ${error.message}` } as const;
    throw error;
  };
  const { peer } = connected({ server: { bootstrap, errorToException } });
  await assert.rejects(Promise.resolve(peer.call(TestPeer.echo, noFill)), { type: "overloaded", message: "E018 full" });
  await assert.rejects(Promise.resolve(peer.call(TestPeer.openGate, noFill)), { type: "failed", message: "internal" });
});

test("a method or an interface the object does not have is answered as unimplemented", async () => {
  const { peer } = connected();
  const wrongInterface = { ...TestPeer.echo, interfaceId: 99n };
  for (const method of [TestPeer.missing, wrongInterface]) {
    await assert.rejects(Promise.resolve(peer.call(method, noFill)), { type: "unimplemented" });
  }
  await peer.call(TestPeer.echo, noFill);
});

test("an object may have the methods of several interfaces, inherited ones too", async () => {
  const inherited = { ...TestPeer.echo, interfaceId: 7n };
  const bootstrap = new MethodTable()
    .method(TestPeer.echo, (_params, results) => results.setData(0, new Uint8Array([1])))
    .method(inherited, (_params, results) => results.setData(0, new Uint8Array([2])));
  const { peer } = connected({ server: { bootstrap } });
  assert.deepEqual([...(await peer.call(TestPeer.echo, noFill)).getData(0)], [1]);
  assert.deepEqual([...(await peer.call(inherited, noFill)).getData(0)], [2]);
});

test("a handler that never asks for results answers an empty struct", async () => {
  const bootstrap = new MethodTable().raw(TestPeer.echo, () => {});
  const { peer } = connected({ server: { bootstrap } });
  assert.equal((await peer.call(TestPeer.echo, noFill)).getData(0).length, 0);
});

test("shorter parameters of an older peer read as zero and empty", async () => {
  const bootstrap = new MethodTable().method(TestPeer.watch, (params, results) => {
    assert.equal(params.getCapability(0), undefined);
    results.setUint32(0, params.getUint32(0) + 1);
  });
  const { peer } = connected({ server: { bootstrap } });
  const results = await peer.call({ ...TestPeer.watch, params: struct(0, 0) }, noFill);
  assert.equal(results.getUint32(0), 1);
});

test("an error thrown while parameters are written rejects the call and sends nothing", async () => {
  const { peer, client, clientEnd } = connected();
  await peer.call(TestPeer.echo, noFill);
  await turn();
  const written = clientEnd.writtenBytes;
  const failed = peer.call(TestPeer.echo, () => {
    throw new Error("cannot fill");
  });
  await assert.rejects(Promise.resolve(failed), /cannot fill/);
  await turn();
  assert.equal(clientEnd.writtenBytes, written);
  assert.equal(client.counts.questions, 0);
});

test("parameters larger than a message may be reject the call, results larger fail it", async () => {
  const limits = { messageBytesMax: 4096 };
  const bootstrap = new MethodTable().method(TestPeer.echo, (_params, results) => {
    results.setData(0, new Uint8Array(5000));
  });
  const { peer } = connected({ client: { limits }, server: { bootstrap, limits } });
  await assert.rejects(
    Promise.resolve(peer.call(TestPeer.echo, (p) => p.setData(0, new Uint8Array(5000)))),
    (error) => error instanceof MessageError && error.code === "tooLarge",
  );
  await assert.rejects(Promise.resolve(peer.call(TestPeer.echo, noFill)), { type: "failed", message: /tooLarge/ });
});

test("an answer nobody awaits may fail without an unhandled rejection", async () => {
  const { peer, client } = connected();
  peer.call(TestPeer.missing, noFill);
  client.close();
  peer.call(TestPeer.echo, noFill);
  await turn(); // the test runner fails on an unhandled rejection
});

test("an answer can be awaited more than once, before and after it came", async () => {
  const { peer } = connected();
  const answer = peer.call(TestPeer.echo, (p) => p.setData(0, new Uint8Array([8])));
  const [first, second] = await Promise.all([answer, answer]);
  assert.equal(first, second);
  assert.equal(await answer, first);
});

test("an object of this process is called through messages too, after the caller has gone on", async () => {
  let ran = false;
  const local = serve(
    new MethodTable().method(TestPeer.echo, (params, results) => {
      ran = true;
      results.setData(0, params.getData(0));
    }),
  );
  const data = new Uint8Array([1, 2]);
  const answer = local.call(TestPeer.echo, (p) => p.setData(0, data));
  assert.equal(ran, false);
  data[0] = 9;
  assert.deepEqual([...(await answer).getData(0)], [1, 2]);
  const missing = local.call(TestPeer.missing, noFill);
  await assert.rejects(Promise.resolve(missing), { type: "unimplemented" });
});
