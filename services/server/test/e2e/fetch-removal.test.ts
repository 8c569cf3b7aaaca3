/** fetch and fetchWait remove what the reader has, and only that (docs/wire.md), over real QUIC. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ServerProcess } from "../../testing/server-process.ts";
import { DelayingRelay } from "./delaying-relay.ts";
import { RawClient } from "./raw-client.ts";
import { stores } from "./stores.ts";

for (const { name, start } of stores) {
  describe(`fetch removal over ${name}`, () => {
    let server: ServerProcess;
    before(async () => {
      server = await start();
    });
    after(() => server[Symbol.asyncDispose]());

    let inboxes = 0;
    /** A fresh inbox with messages numbered from 1. */
    async function filled(messages: number): Promise<Uint8Array> {
      const recipientKey = new Uint8Array(32).fill(++inboxes);
      using sender = await RawClient.connect(server);
      for (let i = 1; i <= messages; i++)
        await sender.call("enqueue", { recipientKey, payload: Buffer.from(`message ${i}`) });
      return recipientKey;
    }

    type Payloads = readonly { readonly seq: bigint }[];
    const seqs = ({ payloads }: { readonly payloads: Payloads }): number[] => payloads.map(({ seq }) => Number(seq));

    /** What stands in the inbox for everybody, once the server has worked off what came before. */
    async function standing(client: RawClient, recipientKey: Uint8Array, expected: readonly number[]): Promise<void> {
      for (let look = 0; look < 500; look++) {
        if (String(seqs(await client.call("peek", { recipientKey }))) === String(expected)) return;
      }
      assert.deepEqual(seqs(await client.call("peek", { recipientKey })), expected);
    }

    for (const method of ["fetch", "fetchWait"] as const) {
      test(`${method}: what was answered and finished is removed`, async () => {
        const recipientKey = await filled(3);
        using client = await RawClient.connect(server);
        assert.deepEqual(seqs(await client.call(method, { recipientKey })), [1, 2, 3]);
        await standing(client, recipientKey, []);
      });

      test(`${method}: a connection cut between answer and Finish leaves the messages`, async () => {
        const recipientKey = await filled(3);
        using reader = await RawClient.connect(server);
        const answer = reader.start(method, { recipientKey }, { holdFinish: true });
        assert.deepEqual(seqs(await reader.results(method, answer)), [1, 2, 3]);
        reader.close();
        using next = await RawClient.connect(server);
        assert.deepEqual(seqs(await next.call(method, { recipientKey })), [1, 2, 3]);
      });

      test(`${method}: a cancel that crosses the answer loses nothing, and the next one in the same session has the messages`, async () => {
        const recipientKey = await filled(3);
        await using relay = await DelayingRelay.start(server.port);
        using client = await RawClient.connect(server, { port: relay.port });
        await client.call("health", {});
        relay.holdAnswers();
        const cancel = new AbortController();
        const answer = client.start(method, { recipientKey }, { signal: cancel.signal });
        const settled = client.results(method, answer).catch((error: unknown) => error);
        // the Return is on its way and stands in the relay when the cancel is sent
        await relay.answerHeld();
        cancel.abort();
        await settled;
        await relay.requestPassed();
        relay.releaseAnswers();
        assert.deepEqual(seqs(await client.call(method, { recipientKey, timeoutMs: 0n })), [1, 2, 3]);
        await standing(client, recipientKey, []);
      });

      test(`${method}: a leased message is not handed out twice in one session, but stands for another`, async () => {
        const recipientKey = await filled(4);
        using client = await RawClient.connect(server);
        const first = client.start(method, { recipientKey, limit: 2 }, { holdFinish: true });
        assert.deepEqual(seqs(await client.results(method, first)), [1, 2]);
        assert.deepEqual(seqs(await client.call(method, { recipientKey })), [3, 4]);
        assert.deepEqual(seqs(await client.call(method, { recipientKey })), []);
        using other = await RawClient.connect(server);
        assert.deepEqual(seqs(await other.call("peek", { recipientKey })), [1, 2, 3, 4], "3 and 4 wait for 1 and 2");
        first.finish();
        await standing(other, recipientKey, []);
      });
    }

    test("a parked fetchWait is answered by an enqueue of another connection", async () => {
      const recipientKey = await filled(0);
      using reader = await RawClient.connect(server);
      using sender = await RawClient.connect(server);
      const waiting = reader.call("fetchWait", { recipientKey, timeoutMs: 30_000n });
      await parked(1);
      await sender.call("enqueue", { recipientKey, payload: Buffer.from("hello") });
      assert.deepEqual(seqs(await waiting), [1]);
    });

    test("fetchWait with nothing to come answers empty at its timeout", async () => {
      const recipientKey = await filled(0);
      using reader = await RawClient.connect(server);
      assert.deepEqual(seqs(await reader.call("fetchWait", { recipientKey, timeoutMs: 20n })), []);
    });

    test("with keep nothing is leased, and what lies at or before the cursor is removed", async () => {
      const recipientKey = await filled(4);
      using client = await RawClient.connect(server);
      assert.deepEqual(seqs(await client.call("fetch", { recipientKey, keep: true })), [1, 2, 3, 4]);
      assert.deepEqual(seqs(await client.call("fetch", { recipientKey, keep: true, after: 2n })), [3, 4]);
      await standing(client, recipientKey, [3, 4]);
    });

    /** Resolves when so many calls are parked, as /metrics tells. */
    async function parked(calls: number): Promise<void> {
      for (let look = 0; look < 500; look++) {
        const metrics = await (await fetch(`http://127.0.0.1:${server.opsPort}/metrics`)).text();
        if (metrics.includes(`\nqpq_waiters ${calls}\n`)) return;
      }
      assert.fail(`there are not ${calls} parked calls`);
    }
  });
}
