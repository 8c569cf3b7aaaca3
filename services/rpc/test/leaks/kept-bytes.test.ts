/** What a peer leaves standing costs about what it sent: a small message does not keep the large buffer it shares alive. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MethodTable } from "../../src/index.ts";
import type { StructBuilder } from "../../src/message/index.ts";
import * as messages from "../../src/outgoing-messages.ts";
import { TestPeer } from "../../testing/test-peer.ts";
import { turn } from "../connected.ts";
import { callFrame, type RawPeer, rawPeer } from "../raw-peer.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const to = { importId: 0 };
const times = 500;
const chunkBytes = 64 << 10;

const bootstrap = new MethodTable()
  .method(TestPeer.echo, (params, results) => results.setData(0, params.getData(0)))
  .raw(TestPeer.never, () => new Promise(() => {}));

/** Calls that are answered and finished, as many as fill a chunk of a network, and `last` behind them. */
function chunkWith(last: Uint8Array): Uint8Array {
  const fill = (params: StructBuilder): void => params.setData(0, new Uint8Array(200));
  const pair = [callFrame({ questionId: 1, to, method: TestPeer.echo, fill }), messages.finish(1, false)];
  const pairs = Math.floor((chunkBytes - last.length) / (pair[0] as Uint8Array).length);
  return new Uint8Array(Buffer.concat([...Array.from({ length: pairs }, () => pair).flat(), last]));
}

/** Sends that many chunks, each of which leaves one more thing standing; answers the bytes of buffers kept for each. */
async function bytesKept(raw: RawPeer, leave: (n: number) => Uint8Array): Promise<number> {
  raw.end.onData = undefined;
  raw.bootstrap(0);
  const usedBytes = async (): Promise<number> => {
    for (let round = 0; round < 3; round++) {
      collect();
      await turn();
    }
    return process.memoryUsage().arrayBuffers;
  };
  const before = await usedBytes();
  for (let n = 0; n < times; n++) {
    raw.send(chunkWith(leave(n)));
    await turn();
  }
  const kept = ((await usedBytes()) - before) / times;
  assert.equal(raw.session.counts.answers, times + 1);
  return kept;
}

// 16 KiB is what small messages share (slab.ts); the first 16 calls keep their chunks.
const bytesMax = (17 << 10) + (16 * chunkBytes) / times;

test("a call in flight does not keep the chunk it came in", async () => {
  const kept = await bytesKept(rawPeer({ bootstrap }), (n) => {
    return callFrame({ questionId: 1_000 + n, to, method: TestPeer.never });
  });
  assert.ok(kept <= bytesMax, `${kept} bytes a call`);
});

test("a larger call in flight has a buffer of its own", async () => {
  const data = new Uint8Array(4_000);
  const kept = await bytesKept(rawPeer({ bootstrap }), (n) => {
    const fill = (params: StructBuilder): void => params.setData(0, data);
    return callFrame({
      questionId: 1_000 + n,
      to,
      method: { ...TestPeer.echo, ...TestPeer.never, params: TestPeer.echo.params },
      fill,
    });
  });
  assert.ok(kept <= 1.1 * data.length + (16 * chunkBytes) / times, `${kept} bytes a call`);
});

test("an answer that is not finished does not keep the buffer its results were built in", async () => {
  const kept = await bytesKept(rawPeer({ bootstrap }), (n) => messages.bootstrap(1_000 + n));
  assert.ok(kept <= 1_024, `${kept} bytes an answer`);
});
