/** noFinishNeeded of rpc.capnp's Return: a call whose results have no capabilities is over with its Return, on both sides. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CallFinished, MethodTable } from "../src/index.ts";
import * as messages from "../src/outgoing-messages.ts";
import { returnAt } from "../src/rpc-layout.ts";
import { TestPeer, TestServer } from "../testing/test-peer.ts";
import { turn } from "../testing/until.ts";
import { connected, emptyTables, onlyBootstrap } from "./connected.ts";
import { rawPeer, returnFrame } from "./raw-peer.ts";

const noFill = (): void => {};
const toBootstrap = { importId: 0 };

function served(bootstrap: MethodTable | TestServer["server"] = new TestServer().server) {
  const raw = rawPeer({ bootstrap });
  raw.bootstrap(0);
  return raw;
}

test("results without capabilities say that they need no Finish, and their number is free at once", async () => {
  const raw = served();
  for (let n = 0; n < 3; n++) raw.call({ questionId: 1, to: toBootstrap, method: TestPeer.echo });
  await turn();
  const returns = raw.bodies("return").filter((body) => body.getUint32(returnAt.answerId) === 1);
  assert.deepEqual(
    returns.map((body) => body.getBool(returnAt.noFinishNeededBit)),
    [true, true, true],
  );
  assert.equal(raw.session.counts.answers, 1, "the bootstrap's");
});

test("a peer that does not know of it and sends its Finish changes nothing", async () => {
  const raw = served();
  raw.call({ questionId: 1, to: toBootstrap, method: TestPeer.echo });
  await turn();
  raw.finish(1, false);
  raw.call({ questionId: 1, to: toBootstrap, method: TestPeer.never });
  await turn();
  assert.equal(raw.session.counts.answers, 2);
  raw.finish(1, true);
  raw.finish(0, true);
  await turn();
  assert.deepEqual(raw.session.counts, emptyTables);
});

test("results with a capability, an exception, and an answer that was pipelined on need their Finish", async () => {
  const gate = Promise.withResolvers<void>();
  const bootstrap = new MethodTable()
    .method(TestPeer.reflect, (_params, results) => results.setCapability(0, new MethodTable()))
    .method(TestPeer.failLogin, () => {
      throw new Error("refused");
    })
    .method(TestPeer.slowReflect, () => gate.promise);
  const raw = served(bootstrap);
  raw.call({ questionId: 1, to: toBootstrap, method: TestPeer.reflect });
  raw.call({ questionId: 2, to: toBootstrap, method: TestPeer.failLogin });
  raw.call({ questionId: 3, to: toBootstrap, method: TestPeer.slowReflect });
  raw.call({ questionId: 4, to: { questionId: 3, path: [0] }, method: TestPeer.echo });
  await turn();
  gate.resolve();
  await turn();
  assert.deepEqual(
    [1, 2, 3, 4].map((id) => raw.returnOf(id).getBool(returnAt.noFinishNeededBit)),
    [false, false, false, false],
  );
  assert.equal(raw.session.counts.answers, 5, "with the bootstrap's");
});

test("a handler that listens for the Finish gets it; one that asks when the results are gone learns that they were sent", async () => {
  const told: CallFinished[] = [];
  const bootstrap = new MethodTable()
    .method(TestPeer.echo, (_params, _results, call) => call.onFinished((how) => told.push(how)))
    .method(TestPeer.reflect, (_params, _results, call) => {
      setImmediate(() => call.onFinished((how) => told.push(how)));
    });
  const { peer, server } = connected({ server: { bootstrap } });
  const held = peer.call(TestPeer.echo, noFill, { holdFinish: true });
  await held;
  await turn();
  assert.deepEqual([told, server.counts.answers], [[], 1]);
  held.finish();
  await turn();
  assert.deepEqual([told, server.counts.answers], [[{ returned: true, releaseResultCaps: false }], 0]);
  await peer.call(TestPeer.reflect, noFill);
  await turn();
  assert.deepEqual(told[1], { returned: true, releaseResultCaps: true });
});

test("a caller sends no Finish where none is needed, whoever holds it, and uses the number again", async () => {
  const { peer, client, server, clientEnd } = connected();
  await peer.call(TestPeer.echo, noFill);
  await turn();
  const written: Uint8Array[] = [];
  const write = clientEnd.write.bind(clientEnd);
  clientEnd.write = (bytes) => {
    written.push(bytes);
    return write(bytes);
  };
  const held = peer.call(TestPeer.echo, noFill, { holdFinish: true });
  await held;
  held.finish();
  await peer.call(TestPeer.echo, noFill);
  await turn();
  assert.equal(written.length, 2, "two calls");
  assert.deepEqual(client.counts, onlyBootstrap);
  assert.deepEqual(server.counts, { ...emptyTables, exports: 1 });
});

test("a peer that says so of results with capabilities is sent the Finish all the same", async () => {
  const raw = rawPeer();
  const bootstrap = raw.session.bootstrap();
  const answer = bootstrap.call(TestPeer.echo, noFill);
  await turn();
  const frame = returnFrame(1, [{ kind: "senderHosted", id: 4 }]);
  // behind the header, the root pointer and Message
  const flags = 8 + 8 + 16 + Math.floor(returnAt.noFinishNeededBit / 8);
  frame[flags] = (frame[flags] as number) | (1 << (returnAt.noFinishNeededBit % 8));
  raw.send(frame);
  await answer;
  await turn();
  assert.equal(raw.bodies("finish").length, 1);
  const plain = bootstrap.call(TestPeer.echo, noFill);
  await turn();
  const hinted = messages.startReturn(1, 4096);
  hinted.body.setBool(returnAt.noFinishNeededBit, true);
  raw.send(hinted.builder.toFrame());
  await plain;
  await turn();
  assert.equal(raw.bodies("finish").length, 1, "no more");
});
