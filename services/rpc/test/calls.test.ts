/** Calls and their answers over a byte pipe. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcError, RpcSession } from "../src/index.ts";
import { pipe, type PipeOptions } from "./pipe.ts";
import { TestPeer, TestServer } from "./test-peer.ts";

export function connected(options: PipeOptions = {}) {
  const [left, right] = pipe(options);
  const host = new TestServer();
  const server = new RpcSession(right, { bootstrap: host.server });
  const client = new RpcSession(left);
  return { left, right, host, server, client, peer: client.bootstrap() };
}

test("a call is answered with what the handler wrote", async () => {
  const { peer, client, server } = connected();
  const results = await peer.call(TestPeer.echo, (p) => p.setData(0, new Uint8Array([1, 2, 3])));
  assert.deepEqual([...results.getData(0)], [1, 2, 3]);
  await assert.rejects(
    Promise.resolve(peer.call(TestPeer.fail, (p) => p.setText(0, "no"))),
    (e) => e instanceof RpcError && e.reason === "no",
  );
  console.log(client.counts, server.counts);
});
