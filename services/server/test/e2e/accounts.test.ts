/** Accounts over real QUIC: registration, login, whom a token lets in where, and how it ends (docs/wire.md, Login). */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { labels, QpqError } from "quicproquo-proto";
import { sharedPostgres } from "../../testing/postgres.ts";
import { signAs, TestLogin } from "../../testing/opaque-client.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { runCommand } from "../cluster/run-command.ts";
import { codeOf } from "./code-of.ts";
import { arrive, login, newPerson, type Person, register } from "./people.ts";
import { type MethodName, RawClient } from "./raw-client.ts";
import { RawSession, TestSink } from "./raw-session.ts";
import { stores } from "./stores.ts";

const payload = Buffer.from("hello");

for (const { name, start } of stores) {
  describe(`accounts over ${name}`, () => {
    let server: ServerProcess;
    let alice: Awaited<ReturnType<typeof arrive>>;
    let bob: Awaited<ReturnType<typeof arrive>>;
    before(async () => {
      server = await start({ settings: { "login-attempts-per-minute": 20, "queue-depth-max": 40 } });
      alice = await arrive(server, "alice");
      bob = await arrive(server, "Bob");
    });
    after(() => server[Symbol.asyncDispose]());
    const connect = (token: Uint8Array | string): Promise<RawClient> => RawClient.connect(server, { token });
    const keyOf = ({ identity }: Person): Uint8Array => identity.identityKey;

    test("two who have logged in reach each other's inboxes, and read their own alone", async () => {
      using atAlice = await connect(alice.token);
      using atBob = await connect(bob.token);
      const { seq } = await atAlice.call("enqueue", { recipientKey: keyOf(bob), payload });
      const { payloads } = await atBob.call("peek", { recipientKey: keyOf(bob) });
      assert.deepEqual(
        payloads.map(({ data }) => Buffer.from(data).toString()),
        ["hello"],
      );
      for (const method of ["fetch", "fetchWait", "peek", "ack"] as const) {
        const params = { recipientKey: keyOf(bob), seqUpTo: seq };
        assert.equal(await codeOf(atAlice.call(method, params)), "E006_FORBIDDEN", method);
      }
      using session = new RawSession(atAlice.service, alice.token);
      assert.equal(await codeOf(session.inbox(keyOf(bob)).answer), "E006_FORBIDDEN");
      const sink = new TestSink();
      session.inbox(keyOf(alice)).subscribe(sink);
      assert.deepEqual(await session.send([{ recipientKey: keyOf(alice), payload }]), [1n]);
      await sink.until(() => sink.seqs.length === 1);
      assert.equal((await atBob.call("peek", { recipientKey: keyOf(bob) })).payloads.length, 1, "still there");
    });

    test("nobody publishes keys in another's name, though the other has signed them", async () => {
      using atAlice = await connect(alice.token);
      const hybridPublicKey = new Uint8Array(1216).fill(7);
      const signature = signAs(bob.identity, labels.hybridKey, [keyOf(bob), hybridPublicKey]);
      const hybridKey = { identityKey: keyOf(bob), hybridPublicKey, signature };
      assert.equal(await codeOf(atAlice.call("uploadHybridKey", hybridKey)), "E006_FORBIDDEN");
      const keyPackage = { identityKey: keyOf(bob), package: payload };
      assert.equal(await codeOf(atAlice.call("uploadKeyPackage", keyPackage)), "E006_FORBIDDEN");
      using atBob = await connect(bob.token);
      await atBob.call("uploadHybridKey", hybridKey);
      await atBob.call("uploadKeyPackage", keyPackage);
      assert.deepEqual(
        Buffer.from((await atAlice.call("fetchHybridKey", { identityKey: keyOf(bob) })).signature),
        Buffer.from(signature),
      );
    });

    test("the idempotency key of one sender is not another's: both messages are stored", async () => {
      const idempotencyKey = new Uint8Array(16).fill(9);
      const recipientKey = newPerson("").identity.identityKey;
      const seqs = [];
      for (const token of [alice.token, bob.token, alice.token, server.token]) {
        using client = await connect(token);
        seqs.push((await client.call("enqueue", { recipientKey, payload, idempotencyKey })).seq);
      }
      assert.deepEqual(seqs, [1n, 2n, 1n, 3n]);
    });

    test("one sender fills a quarter of an inbox, and others find room in it; the static token's holders share none", async () => {
      const recipientKey = newPerson("").identity.identityKey;
      using atAlice = await connect(alice.token);
      using atBob = await connect(bob.token);
      using operator = await connect(server.token);
      const fill = async (client: RawClient, count: number): Promise<number> => {
        const entries = Array.from({ length: count }, () => ({ recipientKey, payload }));
        using session = new RawSession(client.service, client === atAlice ? alice.token : server.token);
        return (await session.send(entries)).filter((seq) => seq > 0n).length;
      };
      assert.deepEqual([await fill(atAlice, 20), await fill(operator, 20)], [10, 20]);
      assert.equal(await codeOf(atAlice.call("enqueue", { recipientKey, payload })), "E009_QUEUE_FULL");
      assert.equal(await codeOf(atBob.call("enqueue", { recipientKey, payload })), "accepted");
    });

    test("a token is renewed, ends alone at logout, and all end when all are revoked; the static token has none to end", async () => {
      using client = await connect(alice.token);
      const first = await login(client, alice);
      using atFirst = await connect(first);
      const renewed = await atFirst.call("renewToken", {});
      assert.ok(renewed.expiresAtMs > BigInt(Date.now()));
      using atRenewed = await connect(Uint8Array.from(renewed.sessionToken));
      const peek = (at: RawClient) => codeOf(at.call("peek", { recipientKey: keyOf(alice) }));
      await atFirst.call("revokeTokens", { all: false });
      assert.deepEqual([await peek(atFirst), await peek(atRenewed)], ["E005_SESSION_EXPIRED", "accepted"]);
      await atRenewed.call("revokeTokens", { all: true });
      assert.deepEqual([await peek(atRenewed), await peek(client)], ["E005_SESSION_EXPIRED", "E005_SESSION_EXPIRED"]);
      using operator = await connect(server.token);
      for (const method of ["renewToken", "revokeTokens"] as const) {
        assert.equal(await codeOf(operator.call(method, { all: true })), "E006_FORBIDDEN", method);
      }
      alice = { ...alice, token: await login(client, alice) };
    });

    test("a Session ends with its token: its reader is told, its calls are refused", async () => {
      using client = await connect(bob.token);
      const token = await login(client, bob);
      using session = new RawSession(client.service, token);
      const sink = new TestSink();
      const inbox = session.inbox(keyOf(bob));
      inbox.subscribe(sink);
      await sink.until(() => sink.pushes.length === 1);
      using atToken = await connect(token);
      await atToken.call("revokeTokens", { all: false });
      await sink.until(() => sink.isEnded);
      assert.equal(sink.ended?.code, "E005_SESSION_EXPIRED");
      assert.equal(await codeOf(inbox.ack(0n)), "E005_SESSION_EXPIRED");
      assert.equal(await codeOf(session.send([])), "E005_SESSION_EXPIRED");
    });

    test("a token that nobody was given is refused, and so is every method to who has none", async () => {
      using stranger = await connect(new Uint8Array(32).fill(1));
      using nobody = await connect("");
      for (const method of ["peek", "openSession", "renewToken"] as MethodName[]) {
        const params = { recipientKey: keyOf(alice) };
        assert.equal(await codeOf(stranger.call(method, params)), "E005_SESSION_EXPIRED", method);
        assert.equal(await codeOf(nobody.call(method, params)), "E003_UNAUTHENTICATED", method);
      }
    });

    test("who tries passwords is told to wait, and others log in meanwhile", async () => {
      using client = await connect("");
      const { request } = new TestLogin("wrong");
      let refusal: unknown;
      for (let n = 0; n < 200 && refusal === undefined; n++) {
        await client.call("opaqueLoginStart", { username: "carol", request }).catch((error: unknown) => {
          refusal = error;
        });
      }
      assert.ok(refusal instanceof QpqError && refusal.code === "E018_RATE_LIMIT" && (refusal.retryAfterMs ?? 0) > 0);
      assert.equal((await login(client, bob)).length, 32);
      const bad = {
        username: "carol",
        loginId: payload,
        finalization: payload,
        identityKey: keyOf(bob),
        identityProof: payload,
      };
      assert.equal(await codeOf(client.call("opaqueLoginFinish", bad)), "E064_LOGIN_REFUSED");
    });

    test("neither log nor metrics have a name, a key or a token in them", async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${server.opsPort}/metrics`)).text();
      for (const name of ["auth_login_success_total", "auth_login_failure_total", "rate_limit_hit_total"]) {
        assert.match(metrics, new RegExp(`^${name} [1-9]`, "m"));
      }
      const told = `${server.words}${server.log()}${metrics}`;
      for (const secret of [alice.token, keyOf(alice), bob.token]) {
        for (const form of ["hex", "base64", "base64url", "latin1"] as const) {
          assert.ok(!told.includes(Buffer.from(secret).toString(form)), form);
        }
      }
      assert.ok(!told.includes("alice") && !told.includes("correct horse"));
    });
  });
}

test("accounts, tokens and passwords outlive the server, whose OPAQUE setup only its owner can read", async () => {
  const first = await startServerProcess();
  const { dataDir } = first;
  const dave = await arrive(first, "dave");
  await using stack = new AsyncDisposableStack();
  stack.defer(() => first[Symbol.asyncDispose]());
  await first.kill("SIGTERM");
  await using second = await startServerProcess({ dataDir });
  using client = await RawClient.connect(second, { token: dave.token });
  await client.call("peek", { recipientKey: dave.identity.identityKey });
  assert.equal((await login(client, dave)).length, 32);
  await second.kill("SIGTERM");
  chmodSync(join(dataDir, "opaque-setup"), 0o640);
  await assert.rejects(startServerProcess({ dataDir }), /E046_CONFIG.*opaque-setup.*chmod 600/);
});

test("at a server of several workers each half of a login may come to another one, and a token is good at all", async () => {
  await using server = await startServerProcess({ settings: { workers: 2 } });
  const heidi = await arrive(server, "heidi");
  const recipientKey = heidi.identity.identityKey;
  // the kernel gives each connection to some worker
  for (let n = 0; n < 8; n++) {
    using one = await RawClient.connect(server, { token: heidi.token });
    using other = await RawClient.connect(server, { token: "" });
    await one.call("peek", { recipientKey });
    assert.equal((await login(one, heidi, other)).length, 32);
  }
});

test("with --allow-unproven-identity a name needs no proof, without it does", async () => {
  await using server = await startServerProcess({ settings: { "allow-unproven-identity": true } });
  assert.match(server.words, /^identities .*need no proof/m);
  using client = await RawClient.connect(server, { token: "" });
  const erin = newPerson("erin");
  await register(client, erin);
  const { username } = erin;
  const begun = new TestLogin(erin.password);
  const { response, loginId } = await client.call("opaqueLoginStart", { username, request: begun.request });
  const finish = { ...begun.finish(username, response, erin.identity)!, identityProof: new Uint8Array() };
  const { sessionToken } = await client.call("opaqueLoginFinish", { username, loginId, ...finish });
  assert.equal(sessionToken.length, 32);
});

test("on a cluster one front-end finishes the login that another began, and a token revoked at one ends at the other too", async () => {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  await using here = await startServerProcess({ cluster: { databaseUrl } });
  await using there = await startServerProcess({ cluster: { databaseUrl } });
  using atHere = await RawClient.connect(here, { token: "" });
  using atThere = await RawClient.connect(there, { token: "" });
  const frank = newPerson("frank");
  await register(atHere, frank);
  const token = await login(atHere, frank, atThere);
  using client = await RawClient.connect(there, { token });
  using session = new RawSession(client.service, token);
  const recipientKey = frank.identity.identityKey;
  const sink = new TestSink();
  session.inbox(recipientKey).subscribe(sink);
  await sink.until(() => sink.pushes.length === 1);
  await client.call("peek", { recipientKey });
  using revoker = await RawClient.connect(here, { token });
  await revoker.call("revokeTokens", { all: true });
  await sink.until(() => sink.isEnded);
  assert.equal(sink.ended?.code, "E005_SESSION_EXPIRED");
  for (let code = ""; code !== "E005_SESSION_EXPIRED"; ) {
    code = await codeOf(client.call("peek", { recipientKey }));
    assert.ok(code === "accepted" || code === "E005_SESSION_EXPIRED", code);
  }
});

test("a cluster's server without an OPAQUE setup does not start, and says how to make one that it then takes", async () => {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  const cluster = { databaseUrl };
  await assert.rejects(
    startServerProcess({ cluster, env: { QPQ_OPAQUE_SETUP: "" } }),
    /E046_CONFIG.*qpq-server secrets opaque-setup.*QPQ_OPAQUE_SETUP_FILE/,
  );
  const made = await runCommand(["secrets", "opaque-setup"]);
  assert.deepEqual([made.code, made.errors], [0, ""]);
  await using server = await startServerProcess({ cluster, env: { QPQ_OPAQUE_SETUP: made.words.trim() } });
  assert.equal((await arrive(server, "grace")).token.length, 32);
  assert.equal((await runCommand(["secrets"])).code, 2);
  await assert.rejects(
    startServerProcess({ cluster, env: { QPQ_OPAQUE_SETUP: "canary" } }),
    (error: Error) => /E046_CONFIG.*damaged/.test(error.message) && !error.message.includes("canary"),
  );
});
