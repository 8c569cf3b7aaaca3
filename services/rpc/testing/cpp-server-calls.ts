/** Calls of ours to a C++ server: sizes, order, errors, and how they end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Capability } from "../src/index.ts";
import type { StructBuilder, StructReader } from "../src/message/index.ts";
import { type CppServerRig, counts, countsReach, noFill, onlyBootstrap } from "./cpp-server-rig.ts";
import { Item, Session, TestPeer, Watcher } from "./test-peer.ts";

export function testCalls(rig: CppServerRig): void {
  test("echo of 200 bytes, of 1 MiB and 1000 at once", async () => {
    await using client = await rig.connected();
    for (const bytes of [200, 1 << 20]) {
      const data = new Uint8Array(bytes).fill(3);
      const results = await client.peer.call(TestPeer.echo, (p) => p.setData(0, data));
      assert.deepEqual(results.getData(0), data);
    }
    const calls = Array.from({ length: 1000 }, (_, n) =>
      client.peer.call(TestPeer.echo, (p) => p.setData(0, new Uint8Array([n & 255]))),
    );
    const echoed = await Promise.all(calls);
    assert.ok(echoed.every((results, n) => results.getData(0)[0] === (n & 255)));
    assert.deepEqual(client.session.counts, onlyBootstrap);
  });

  test("an answer in many segments is read", async () => {
    await using client = await rig.connected();
    const results = await client.peer.call(TestPeer.echoItems, (params) => fillItems(params, 1000));
    assertItems(results, 1000);
    assert.ok(client.gate.segmentsMax > 2, `${client.gate.segmentsMax} segments`);
  });

  test("calls arrive in the order they were made", async () => {
    await using client = await rig.connected();
    const calls = Array.from({ length: 500 }, (_, n) =>
      client.peer.call(TestPeer.sequence, (p) => p.setUint32(0, n + 1)),
    );
    await Promise.all(calls);
  });

  test("exceptions come with their type", async () => {
    await using client = await rig.connected();
    for (const [number, type] of ["failed", "overloaded", "disconnected", "unimplemented"].entries()) {
      const failed = client.peer.call(TestPeer.failAs, (p) => {
        p.setUint16(0, number);
        p.setText(0, `reason ${number}`);
      });
      await assert.rejects(Promise.resolve(failed), { type, message: new RegExp(`reason ${number}$`) });
    }
    await client.peer.call(TestPeer.echo, noFill);
  });

  test("a method and an interface that are not there are unimplemented, and calls pipelined on the failure fail", async () => {
    await using client = await rig.connected();
    using failed = client.peer.call(TestPeer.failLogin, noFill).pipeline(0);
    for (const call of [
      client.peer.call(TestPeer.missing, noFill),
      client.peer.call(Watcher.notify, noFill),
      failed.call(Session.whoami, noFill),
    ]) {
      await assert.rejects(Promise.resolve(call), { type: "unimplemented" });
    }
    await client.peer.call(TestPeer.echo, noFill);
  });

  test("a long call does not hold up those beside it", async () => {
    await using client = await rig.connected();
    const login = client.peer.call(TestPeer.slowLogin, (p) => p.setText(0, "late"));
    for (let n = 0; n < 200; n++) await client.peer.call(TestPeer.echo, noFill);
    await client.peer.call(TestPeer.openGate, noFill);
    using user = (await login).getCapability(0) as Capability;
    assert.equal((await user.call(Session.whoami, noFill)).getText(0), "late");
  });

  test("a canceled call ends at the server", async () => {
    await using client = await rig.connected();
    const { canceled } = await counts(client.peer);
    const abort = new AbortController();
    const pending = client.peer.call(TestPeer.never, noFill, { signal: abort.signal });
    await counts(client.peer);
    abort.abort(new Error("enough"));
    await assert.rejects(Promise.resolve(pending), /enough/);
    await countsReach(client.peer, (now) => now.canceled === canceled + 1);
  });

  test("calls that are outstanding when the session is closed end at the server, and here as disconnected", async () => {
    await using other = await rig.connected();
    await using client = await rig.connected();
    const { canceled } = await counts(other.peer);
    const calls = [1, 2, 3].map(() => client.peer.call(TestPeer.never, noFill));
    await counts(client.peer);
    client.session.close();
    for (const call of calls) await assert.rejects(Promise.resolve(call), { type: "disconnected" });
    await countsReach(other.peer, (now) => now.canceled === canceled + 3);
  });

  test("calls that are outstanding when the server's process ends fail as disconnected", async () => {
    await using mortal = await rig.cpp.startServer();
    await using client = await rig.connected(mortal.port);
    const calls = [1, 2, 3].map(() => client.peer.call(TestPeer.never, noFill));
    for (const call of [...calls, client.peer.call(TestPeer.hangUp, noFill)]) {
      await assert.rejects(Promise.resolve(call), { type: "disconnected" });
    }
    assert.deepEqual((await client.session.closed).type, "disconnected");
  });
}

function fillItems(params: StructBuilder, count: number): void {
  const items = params.initStructList(0, count, Item);
  for (let n = 0; n < count; n++) {
    const item = items.get(n);
    item.setUint32(0, n);
    item.setText(0, `item ${n}`);
    item.setData(1, new Uint8Array(n % 200).fill(n));
    const inner = item.initStructList(2, n % 3, Item);
    for (let child = 0; child < n % 3; child++) inner.get(child).setText(0, `of ${n}`);
  }
}

function assertItems(results: StructReader, count: number): void {
  const items = results.getStructList(0, Item);
  assert.equal(items.length, count);
  for (const [n, item] of [...items].entries()) {
    assert.equal(item.getUint32(0), n);
    assert.equal(item.getText(0), `item ${n}`);
    assert.deepEqual(item.getData(1), new Uint8Array(n % 200).fill(n));
    const inner = [...item.getStructList(2, Item)].map((child) => child.getText(0));
    assert.deepEqual(inner, new Array(n % 3).fill(`of ${n}`));
  }
}
