/** What an account and a network may send and call in a minute, by whatever way, token and front-end (docs/wire.md, Rates). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { sharedPostgres } from "../../testing/postgres.ts";
import { RedisProcess } from "../../testing/redis.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { arrive, login } from "./people.ts";
import { RawClient } from "./raw-client.ts";
import { RawSession } from "./raw-session.ts";
import { RecordingRelay } from "./recording-relay.ts";

const recipientKey = new Uint8Array(32).fill(9);
const payload = Buffer.from("x");

/** The limit that refuses the call, which says when to come back. */
async function limitOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => assert.fail("it was admitted"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof QpqError && error.code === "E018_RATE_LIMIT", String(error));
  assert.ok((error.retryAfterMs ?? 0) > 0);
  return String(error.fields["limit"]);
}

function sendings(client: RawClient, session: RawSession) {
  const entry = { recipientKey, channelId: new Uint8Array(), payload, idempotencyKey: new Uint8Array(), ttlSecs: 0 };
  const commit = {
    groupId: new Uint8Array(16).fill(1),
    epoch: 0n,
    entries: [entry],
    payload,
    idempotencyKey: new Uint8Array(16).fill(1),
    epochProof: new Uint8Array(),
    nextProofHash: new Uint8Array(32),
  };
  return [
    () => client.call("enqueue", { recipientKey, payload }),
    () => client.call("batchEnqueue", { recipientKeys: [recipientKey], payload }),
    () => client.call("submitCommit", commit),
    () => session.send([entry]),
  ];
}

async function depthOf(server: ServerProcess): Promise<number> {
  using operator = await RawClient.connect(server);
  return (await operator.call("peek", { recipientKey })).payloads.length;
}

test("every way to send counts for the account, by each of its tokens; then none is left by any, and others go on", async () => {
  await using server = await startServerProcess({ settings: { "sending-calls-per-minute": 4 } });
  const [alice, bob] = [await arrive(server, "alice"), await arrive(server, "bob")];
  using nobody = await RawClient.connect(server, { token: "" });
  const tokens = [alice.token, await login(nobody, alice)];
  using one = await RawClient.connect(server, { token: tokens[0]! });
  using two = await RawClient.connect(server, { token: tokens[1]! });
  using sessionOne = new RawSession(one.service, tokens[0]!);
  using sessionTwo = new RawSession(two.service, tokens[1]!);
  const [byOne, byTwo] = [sendings(one, sessionOne), sendings(two, sessionTwo)];
  for (const [i, send] of [...byOne.slice(0, 2), ...byTwo.slice(2)].entries()) {
    await send();
    assert.equal(await depthOf(server), i + 1);
  }
  for (const send of [...byOne, ...byTwo]) assert.equal(await limitOf(send()), "sendingCallsPerMinute");
  assert.equal(await depthOf(server), 4);
  using other = await RawClient.connect(server, { token: bob.token });
  await other.call("enqueue", { recipientKey, payload });
  using operator = await RawClient.connect(server);
  for (let n = 0; n < 10; n++) await operator.call("enqueue", { recipientKey, payload });
});

test("a call with more recipients than its account has left stores nothing for any of them", async () => {
  await using server = await startServerProcess({ settings: { "recipients-per-minute": 10 } });
  using client = await RawClient.connect(server, { token: (await arrive(server, "alice")).token });
  const recipientKeys = Array.from({ length: 6 }, (_, n) => recipientKey.with(0, n));
  await client.call("batchEnqueue", { recipientKeys, payload });
  assert.equal(await limitOf(client.call("batchEnqueue", { recipientKeys, payload })), "recipientsPerMinute");
  await client.call("batchEnqueue", { recipientKeys: [recipientKey], payload });
  assert.equal(await depthOf(server), 1);
});

test("accounts of one network share its recipients and calls; the same account goes on from another network", async () => {
  const settings = { "network-recipients-per-minute": 3, "network-calls-per-minute": 1_000 };
  await using server = await startServerProcess({ settings });
  const people = [await arrive(server, "alice"), await arrive(server, "bob"), await arrive(server, "carol")] as const;
  for (const { token } of people) {
    using client = await RawClient.connect(server, { token });
    await client.call("enqueue", { recipientKey, payload });
  }
  const { token } = people[0];
  using here = await RawClient.connect(server, { token });
  assert.equal(await limitOf(here.call("enqueue", { recipientKey, payload })), "networkRecipientsPerMinute");
  await using relay = await RecordingRelay.start(server.port, { clientHost: "127.0.7.7" });
  using elsewhere = await RawClient.connect(server, { token, port: relay.port });
  await elsewhere.call("enqueue", { recipientKey, payload });
  assert.equal(await depthOf(server), 4);
  let refused = "";
  for (let n = 0; n < 3_000 && refused === ""; n++) {
    refused = await here.call("fetchHybridKeys", { identityKeys: [] }).then(
      () => "",
      ({ fields }: QpqError) => String(fields["limit"]),
    );
  }
  assert.equal(refused, "networkCallsPerMinute");
  await elsewhere.call("fetchHybridKeys", { identityKeys: [] });
});

test("what an account has sent at one front-end it has not at the next", async () => {
  const callsMax = 300;
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  await using redis = await RedisProcess.start();
  const settings = { "sending-calls-per-minute": callsMax };
  const start = () => startServerProcess({ cluster: { databaseUrl, redisUrl: redis.url }, settings });
  await using here = await start();
  await using there = await start();
  const { token } = await arrive(here, "alice");
  /** How many calls are taken until one is refused. */
  const sendAt = async (server: ServerProcess): Promise<number> => {
    using client = await RawClient.connect(server, { token });
    for (let taken = 0; ; taken++) {
      const recipientKeys = [recipientKey.with(0, taken & 255)];
      const call = client.call("batchEnqueue", { recipientKeys, payload });
      const refusal = await call.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refusal === undefined) continue;
      assert.equal(await limitOf(Promise.reject(refusal as Error)), "sendingCallsPerMinute");
      return taken;
    }
  };
  assert.ok((await sendAt(here)) >= callsMax);
  const taken = await sendAt(there);
  assert.ok(taken < (callsMax * 2) / 3, `${taken} of ${callsMax}`);
});
