/** submitCommit over real QUIC: one winner, no stranger, repeats, full inboxes. SIGKILL is in ../crash/commit-kill.test.ts. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { OutgoingFields } from "quicproquo-proto";
import type { ServerProcess } from "../../testing/server-process.ts";
import { codeOf } from "./code-of.ts";
import { RawClient } from "./raw-client.ts";
import { stores } from "./stores.ts";

for (const { name, start } of stores) {
  describe(`submitCommit over ${name}`, () => {
    let server: ServerProcess;
    before(async () => {
      server = await start({ settings: { "queue-depth-max": 3, "log-level": "warn" } });
    });
    after(() => server[Symbol.asyncDispose]());

    const hash = (text: string | Uint8Array): Uint8Array => createHash("sha256").update(text).digest();
    const bytes16 = (text: string): Uint8Array => hash(text).subarray(0, 16);
    /** Members of each group of their own: an inbox holds three messages here. */
    const memberKey = (group: string, n: number): Uint8Array => hash(`${group} member ${n}`);
    const proofOf = (group: string, epoch: number): Uint8Array => hash(`${group} ${epoch}`);

    type Made = { readonly group: string; readonly epoch: number; readonly id?: string };

    type Commit = {
      readonly groupId: Uint8Array;
      readonly epoch: bigint;
      readonly entries: readonly OutgoingFields[];
      readonly payload: Uint8Array;
      readonly idempotencyKey: Uint8Array;
      readonly epochProof: Uint8Array;
      readonly nextProofHash: Uint8Array;
    };

    function commitOf({ group, epoch, id = `${group} ${epoch}` }: Made): Commit {
      const empty = new Uint8Array();
      return {
        groupId: bytes16(group),
        epoch: BigInt(epoch),
        entries: [0, 1].map((n) => ({
          recipientKey: memberKey(group, n),
          channelId: empty,
          payload: empty,
          idempotencyKey: empty,
          ttlSecs: 0,
        })),
        payload: Buffer.from(`commit of ${epoch}`),
        idempotencyKey: bytes16(id),
        epochProof: proofOf(group, epoch),
        nextProofHash: hash(proofOf(group, epoch + 1)),
      };
    }

    test("of two racing committers one wins, the other is told E031_EPOCH_TAKEN, and both members get one commit", async () => {
      using alice = await RawClient.connect(server);
      using bob = await RawClient.connect(server);
      await alice.call("submitCommit", commitOf({ group: "race", epoch: 0 }));
      const codes = await Promise.all([
        codeOf(alice.call("submitCommit", commitOf({ group: "race", epoch: 1, id: "alice" }))),
        codeOf(bob.call("submitCommit", commitOf({ group: "race", epoch: 1, id: "bob" }))),
      ]);
      assert.deepEqual(codes.toSorted(), ["E031_EPOCH_TAKEN", "accepted"]);
      for (const n of [0, 1]) {
        const { payloads } = await alice.call("peek", { recipientKey: memberKey("race", n) });
        assert.equal(payloads.length, 2);
      }
    });

    test("who was removed cannot move the group: the proof of an old epoch is E032_EPOCH_PROOF", async () => {
      using client = await RawClient.connect(server);
      await client.call("submitCommit", commitOf({ group: "removed", epoch: 0 }));
      const stale = { ...commitOf({ group: "removed", epoch: 1 }), epochProof: proofOf("removed", 0) };
      assert.equal(await codeOf(client.call("submitCommit", stale)), "E032_EPOCH_PROOF");
      assert.equal(
        await codeOf(client.call("submitCommit", { ...stale, epochProof: new Uint8Array() })),
        "E032_EPOCH_PROOF",
      );
      assert.equal(await codeOf(client.call("submitCommit", commitOf({ group: "removed", epoch: 1 }))), "accepted");
    });

    test("the same idempotency key again answers the first seqs, from another connection and after later commits too", async () => {
      using first = await RawClient.connect(server);
      using second = await RawClient.connect(server);
      const { seqs } = await first.call("submitCommit", commitOf({ group: "repeat", epoch: 0 }));
      await first.call("submitCommit", commitOf({ group: "repeat", epoch: 1 }));
      assert.deepEqual((await second.call("submitCommit", commitOf({ group: "repeat", epoch: 0 }))).seqs, seqs);
    });

    test("a parked fetchWait gets the commit; a full inbox answers 0 and its reader is told gap overflow", async () => {
      using client = await RawClient.connect(server);
      using reader = await RawClient.connect(server);
      const inbox = { recipientKey: memberKey("full", 0) };
      const waiting = reader.call("fetchWait", { ...inbox, keep: true, timeoutMs: 30_000n });
      await client.call("submitCommit", commitOf({ group: "full", epoch: 0 }));
      assert.equal((await waiting).payloads.length, 1);
      for (const epoch of [1, 2]) await client.call("submitCommit", commitOf({ group: "full", epoch }));
      assert.deepEqual((await client.call("submitCommit", commitOf({ group: "full", epoch: 3 }))).seqs, [0n, 0n]);
      const { gap } = await reader.call("fetch", { ...inbox, keep: true, after: 3n });
      assert.deepEqual([gap.kind, gap.upTo], ["overflow", 4n]);
    });

    test("bad input is refused by its code and moves nothing", async () => {
      using client = await RawClient.connect(server);
      const good = commitOf({ group: "bad", epoch: 0 });
      const [entry] = good.entries;
      assert.ok(entry !== undefined);
      const cases: readonly (readonly [fields: Partial<Commit>, code: string])[] = [
        [{ groupId: new Uint8Array() }, "E061_GROUP_ID"],
        [{ groupId: new Uint8Array(65) }, "E061_GROUP_ID"],
        [{ epoch: 2n ** 53n }, "E001_BAD_REQUEST"],
        [{ epochProof: new Uint8Array(31) }, "E001_BAD_REQUEST"],
        [{ nextProofHash: new Uint8Array(0) }, "E001_BAD_REQUEST"],
        [{ idempotencyKey: new Uint8Array() }, "E011_IDEMPOTENCY_KEY"],
        [{ payload: new Uint8Array() }, "E010_PAYLOAD_EMPTY"],
        [{ payload: new Uint8Array(5 * 1024 * 1024 + 1) }, "E008_PAYLOAD_TOO_LARGE"],
        [{ entries: [entry, entry] }, "E017_DUPLICATE_RECIPIENT"],
        [{ entries: Array.from({ length: 1_001 }, () => entry) }, "E016_TOO_MANY_RECIPIENTS"],
        [{ entries: [{ ...entry, recipientKey: new Uint8Array(31) }] }, "E007_KEY_LENGTH"],
      ];
      for (const [fields, code] of cases) {
        assert.equal(
          await codeOf(client.call("submitCommit", { ...good, ...fields })),
          code,
          JSON.stringify(Object.keys(fields)),
        );
      }
      assert.equal(await codeOf(client.call("submitCommit", good)), "accepted");
    });
  });
}
