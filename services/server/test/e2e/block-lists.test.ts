/** Who is blocked reaches the recipient by no way to send, and everybody else as before. Over real QUIC. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { sharedPostgres } from "../../testing/postgres.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { codeOf } from "./code-of.ts";
import { arrive } from "./people.ts";
import { RawClient } from "./raw-client.ts";
import { RawSession } from "./raw-session.ts";
import { stores } from "./stores.ts";

const payload = Buffer.from("hello");
const empty = new Uint8Array();

async function meet(server: ServerProcess, username: string) {
  const person = await arrive(server, username);
  const client = await RawClient.connect(server, { token: person.token });
  const session = new RawSession(client.service, person.token);
  return { ...person, key: person.identity.identityKey, client, session };
}
type Somebody = Awaited<ReturnType<typeof meet>>;

async function depthOf({ client, key }: Somebody): Promise<number> {
  const { payloads } = await client.call("peek", { recipientKey: key });
  return payloads.length;
}

let groups = 0;
function commitTo(keys: readonly Uint8Array[]) {
  groups++;
  const entry = { channelId: empty, payload: empty, idempotencyKey: empty, ttlSecs: 0 };
  return {
    groupId: new Uint8Array(16).fill(groups),
    epoch: 0n,
    entries: keys.map((recipientKey) => ({ ...entry, recipientKey })),
    payload,
    idempotencyKey: new Uint8Array(16).fill(groups),
    epochProof: empty,
    nextProofHash: new Uint8Array(32),
  };
}

for (const { name, start } of stores) {
  describe(`block lists over ${name}`, () => {
    let server: ServerProcess;
    let [alice, bob, carol] = [] as unknown as [Somebody, Somebody, Somebody];
    before(async () => {
      server = await start({ settings: { "blocks-max": 2 } });
      [alice, bob, carol] = [await meet(server, "alice"), await meet(server, "bob"), await meet(server, "carol")];
    });
    after(async () => {
      for (const { client } of [alice, bob, carol]) client.close();
      await server[Symbol.asyncDispose]();
    });
    const setBlocked = (owner: Somebody, senderKey: Uint8Array, blocked: boolean) =>
      owner.client.call("setBlocked", { senderKey, blocked });

    test("a blocked sender is refused by enqueue, and answered 0 by every call that has other recipients", async () => {
      await bob.client.call("enqueue", { recipientKey: alice.key, payload });
      await setBlocked(alice, bob.key, true);
      assert.equal(await codeOf(bob.client.call("enqueue", { recipientKey: alice.key, payload })), "E069_BLOCKED");
      const recipientKeys = [alice.key, carol.key];
      const { seqs } = await bob.client.call("batchEnqueue", { recipientKeys, payload });
      assert.deepEqual(seqs, [0n, 1n]);
      const letters = [carol.key, alice.key, carol.key, alice.key].map((recipientKey) => ({ recipientKey, payload }));
      assert.deepEqual(await bob.session.send(letters), [2n, 0n, 3n, 0n]);
      assert.deepEqual(await bob.session.send([{ recipientKey: alice.key, payload }]), [0n]);
      assert.equal(await depthOf(alice), 1);
      assert.deepEqual(await carol.session.send([{ recipientKey: alice.key, payload }]), [2n]);
      assert.deepEqual((await alice.client.call("enqueue", { recipientKey: bob.key, payload })).seq, 1n);
    });

    test("a blocked sender's commit is accepted for the others, and the one who blocks is told that one is missing", async () => {
      await alice.client.call("ack", { recipientKey: alice.key, seqUpTo: 99n });
      const commit = commitTo([alice.key, carol.key]);
      const { seqs } = await bob.client.call("submitCommit", commit);
      assert.deepEqual([seqs[0], (seqs[1] ?? 0n) > 0n], [0n, true]);
      assert.equal((await alice.client.call("peek", { recipientKey: alice.key })).gap.kind, "overflow");
      await setBlocked(alice, bob.key, false);
      assert.deepEqual((await bob.client.call("submitCommit", commit)).seqs, seqs, "a repeat answers the first seqs");
      const next = await bob.client.call("submitCommit", commitTo([alice.key, carol.key]));
      assert.ok(next.seqs.every((seq) => seq > 0n));
    });

    test("once it is taken back messages arrive again; a full list says so", async () => {
      assert.ok((await bob.client.call("enqueue", { recipientKey: alice.key, payload })).seq > 0n);
      await setBlocked(alice, bob.key, true);
      await setBlocked(alice, carol.key, true);
      await assert.rejects(
        setBlocked(alice, new Uint8Array(32).fill(5), true),
        (error) => error instanceof QpqError && error.code === "E072_BLOCK_LIST_FULL" && error.kind === "conflict",
      );
      assert.equal(await codeOf(setBlocked(alice, new Uint8Array(31), true)), "E007_KEY_LENGTH");
      assert.equal(await codeOf(setBlocked(alice, alice.key, true)), "E001_BAD_REQUEST");
      await setBlocked(alice, carol.key, false);
      assert.ok((await carol.client.call("enqueue", { recipientKey: alice.key, payload })).seq > 0n);
    });

    test("the static token has no list and is on none", async () => {
      using operator = await RawClient.connect(server);
      const call = operator.call("setBlocked", { senderKey: bob.key, blocked: true });
      assert.equal(await codeOf(call), "E006_FORBIDDEN");
      assert.ok((await operator.call("enqueue", { recipientKey: alice.key, payload })).seq > 0n);
    });
  });
}

test("what is blocked at one front-end of a cluster is refused at another that had let it in, 5 s later at most", async () => {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  const settings = { "sending-calls-per-minute": 1_000_000, "queue-depth-max": 1_000_000 };
  await using here = await startServerProcess({ cluster: { databaseUrl }, settings });
  await using there = await startServerProcess({ cluster: { databaseUrl }, settings });
  const [alice, bob] = [await meet(here, "alice"), await meet(there, "bob")];
  const enqueue = () => codeOf(bob.client.call("enqueue", { recipientKey: alice.key, payload }));
  assert.equal(await enqueue(), "accepted");
  await alice.client.call("setBlocked", { senderKey: bob.key, blocked: true });
  const blockedAtMs = performance.now();
  for (;;) {
    const calledAtMs = performance.now();
    const code = await enqueue();
    if (code === "E069_BLOCKED") break;
    assert.equal(code, "accepted");
    assert.ok(calledAtMs - blockedAtMs < 5_000, "it was called 5 s after the block stood, and taken");
  }
  for (const { client } of [alice, bob]) client.close();
});
