/** openSession and what can be called on it, over real QUIC (docs/wire.md, Session). */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inboxCodecs, Session } from "quicproquo-proto";
import { type RpcByteStream, RpcSession } from "quicproquo-rpc";
import type { ServerProcess } from "../../testing/server-process.ts";
import { codeOf } from "./code-of.ts";
import { RawClient } from "./raw-client.ts";
import { RawSession, TestSink } from "./raw-session.ts";
import { stores } from "./stores.ts";

const pushBytesMax = 100_000;

for (const { name, start } of stores) {
  describe(`Session over ${name}`, () => {
    let server: ServerProcess;
    before(async () => {
      server = await start({ settings: { "push-bytes-max": pushBytesMax, "queue-depth-max": 200 } });
    });
    after(() => server[Symbol.asyncDispose]());

    let keys = 0;
    const freshKey = (): Uint8Array => new Uint8Array(32).fill(++keys);

    async function subscriptions(): Promise<number> {
      const metrics = await (await fetch(`http://127.0.0.1:${server.opsPort}/metrics`)).text();
      return Number(/^qpq_subscriptions (\d+)$/m.exec(metrics)?.[1]);
    }

    async function subscriptionsBecome(count: number): Promise<void> {
      for (let look = 0; look < 500; look++) if ((await subscriptions()) === count) return;
      assert.equal(await subscriptions(), count);
    }

    async function fill(recipientKey: Uint8Array, messages: number, bytes = 10): Promise<void> {
      using client = await RawClient.connect(server);
      using session = new RawSession(client.service, server.token);
      const payload = new Uint8Array(bytes);
      await session.send(Array.from({ length: messages }, () => ({ recipientKey, payload })));
    }

    const open = (client: RawClient): RawSession => new RawSession(client.service, server.token);

    test("the first message comes one round trip after the handshake: all that asks for it leaves in one flight", async () => {
      const recipientKey = freshKey();
      await fill(recipientKey, 1);
      using client = await RawClient.connect(server);
      const stream = client.connection.openStream() as RpcByteStream;
      const write = stream.write.bind(stream);
      const later: Uint8Array[] = [];
      let flights = 0;
      stream.write = (chunk) => {
        if (++flights === 1) return write(chunk);
        later.push(chunk);
        return true;
      };
      using rpc = new RpcSession(stream);
      using session = new RawSession(rpc.bootstrap(), server.token);
      const sink = new TestSink();
      session.inbox(recipientKey).subscribe(sink);
      await sink.until(() => sink.seqs.length === 1);
      assert.ok(later.length > 0, "there was more to say, and it was held back");
    });

    test("a subscription pushes what stands, then what comes, in order, and removes nothing", async () => {
      const recipientKey = freshKey();
      await fill(recipientKey, 150);
      using client = await RawClient.connect(server);
      using session = open(client);
      const sink = new TestSink();
      const inbox = session.inbox(recipientKey);
      inbox.subscribe(sink);
      await sink.until(() => sink.seqs.length === 150);
      for (let i = 0; i < 20; i++) await client.call("enqueue", { recipientKey, payload: Buffer.from("live") });
      await sink.until(() => sink.seqs.length === 170);
      assert.deepEqual(
        sink.seqs,
        Array.from({ length: 170 }, (_, i) => i + 1),
      );
      const peeked = async () => (await client.call("peek", { recipientKey, limit: 1 })).payloads[0]?.seq;
      assert.equal(await peeked(), 1n);
      await inbox.ack(100n);
      assert.equal(await peeked(), 101n);
    });

    for (const [what, query, most] of [
      ["window 3", { window: 3 }, 3],
      ["windowBytes for two messages and a half", { windowBytes: 250 }, 2],
      ["windowBytes below one message", { windowBytes: 1 }, 1],
    ] as const) {
      test(`${what}: at most ${most} messages are pushed ahead of what the reader has taken`, async () => {
        const recipientKey = freshKey();
        await fill(recipientKey, 20, 100);
        using client = await RawClient.connect(server);
        using session = open(client);
        const sink = new TestSink();
        sink.hold = true;
        session.inbox(recipientKey).subscribe(sink, query);
        let taken = 0;
        for (let pushes = 0; taken < 20; pushes++) {
          await sink.until(() => sink.pushes.length > pushes);
          // round trips: whatever the server pushes without being taken is here
          for (let i = 0; i < 3; i++) await client.call("health", {});
          assert.ok(sink.seqs.length - taken <= most, `${sink.seqs.length - taken} ahead`);
          taken += sink.pushes[pushes]?.envelopes.length ?? 0;
          sink.takeOne();
        }
        assert.deepEqual(
          sink.seqs,
          Array.from({ length: 20 }, (_, i) => i + 1),
        );
      });
    }

    test("a reader that takes nothing gets pushBytesMax from all its inboxes together, and the rest once it takes", async () => {
      using client = await RawClient.connect(server);
      using session = open(client);
      const sinks = Array.from({ length: 12 }, () => new TestSink());
      for (const sink of sinks) {
        const recipientKey = freshKey();
        await fill(recipientKey, 3, 20_000);
        sink.hold = true;
        session.inbox(recipientKey).subscribe(sink);
      }
      const bytes = (): number => sinks.reduce((sum, sink) => sum + sink.bytes, 0);
      for (let i = 0; i < 20; i++) await client.call("health", {});
      assert.ok(bytes() > 0 && bytes() <= pushBytesMax, `${bytes()} bytes`);
      for (const sink of sinks) {
        sink.hold = false;
        while (sink.untaken.length > 0) sink.takeOne();
      }
      for (const sink of sinks) await sink.until(() => sink.seqs.length === 3);
    });

    test("a newer subscription on an inbox, of another connection too, ends the older with E062_SUBSCRIPTION_REPLACED", async () => {
      const recipientKey = freshKey();
      using first = await RawClient.connect(server);
      using second = await RawClient.connect(server);
      using oldSession = open(first);
      using newSession = open(second);
      const [older, newer] = [new TestSink(), new TestSink()];
      oldSession.inbox(recipientKey).subscribe(older);
      await older.until(() => older.pushes.length === 1);
      newSession.inbox(recipientKey).subscribe(newer);
      await older.until(() => older.isEnded);
      assert.equal(older.ended?.code, "E062_SUBSCRIPTION_REPLACED");
      await fill(recipientKey, 1);
      await newer.until(() => newer.seqs.length === 1);
      assert.deepEqual(older.seqs, []);
    });

    test("a subscription lives as long as it is held, whatever becomes of Session and Inbox, and its end frees the sink", async () => {
      const recipientKey = freshKey();
      await subscriptionsBecome(0);
      using client = await RawClient.connect(server);
      const sink = new TestSink();
      const session = open(client);
      const inbox = session.inbox(recipientKey);
      const subscription = inbox.subscribe(sink);
      await subscription;
      inbox.capability[Symbol.dispose]();
      inbox.answer[Symbol.dispose]();
      session[Symbol.dispose]();
      await fill(recipientKey, 1);
      await sink.until(() => sink.seqs.length === 1);
      subscription[Symbol.dispose]();
      await sink.until(() => sink.isReleased);
      await subscriptionsBecome(0);
      assert.equal(sink.ended, undefined, "who ended it itself is not told");
    });

    test("a connection that is lost takes its subscriptions with it", async () => {
      await subscriptionsBecome(0);
      const client = await RawClient.connect(server);
      const session = open(client);
      const sink = new TestSink();
      await session.inbox(freshKey()).subscribe(sink);
      await subscriptionsBecome(1);
      client.close();
      await subscriptionsBecome(0);
    });

    test("send stores messages of their own each, in order, once a key, and answers 0 for a full inbox", async () => {
      using client = await RawClient.connect(server);
      using session = open(client);
      const [one, full] = [freshKey(), freshKey()];
      await fill(full, 200);
      const idempotencyKey = new Uint8Array(16).fill(7);
      const entries = ["a", "b"].map((text) => ({ recipientKey: one, payload: Buffer.from(text) }));
      const lettered = { recipientKey: one, payload: Buffer.from("c"), idempotencyKey };
      const sent = [...entries, lettered, { recipientKey: full, payload: Buffer.from("d") }];
      assert.deepEqual(await session.send(sent), [1n, 2n, 3n, 0n]);
      assert.deepEqual(await session.send([lettered, lettered]), [3n, 3n]);
      const { payloads } = await client.call("peek", { recipientKey: one });
      assert.equal(payloads.map(({ data }) => Buffer.from(data).toString()).join(""), "abc");
    });

    test("bad input of Session and Inbox is refused by its code, and the session goes on", async () => {
      using client = await RawClient.connect(server);
      const impostor = new RawSession(client.service, "x".repeat(server.token.length));
      assert.equal(await codeOf(impostor.opened), "E004_BAD_TOKEN");
      assert.equal(await codeOf(impostor.inbox(freshKey()).answer), "E004_BAD_TOKEN", "and what was called on it");
      const refused = impostor.inbox(freshKey()).subscribe(new TestSink());
      assert.equal(await codeOf(refused), "E004_BAD_TOKEN", "and what was called on that");
      using session = open(client);
      const recipientKey = freshKey();
      const empty = new Uint8Array();
      const payload = Buffer.from("x");
      assert.equal(await codeOf(session.inbox(empty).answer), "E007_KEY_LENGTH");
      assert.equal(await codeOf(session.inbox(recipientKey).subscribe(undefined)), "E001_BAD_REQUEST");
      assert.equal(await codeOf(session.send([{ recipientKey, payload: empty }])), "E010_PAYLOAD_EMPTY");
      assert.equal(await codeOf(session.send([{ recipientKey: empty, payload }])), "E007_KEY_LENGTH");
      const many = Array.from({ length: 1_001 }, () => ({ recipientKey, payload }));
      assert.equal(await codeOf(session.send(many)), "E016_TOO_MANY_RECIPIENTS");
      const foreign = { ...inboxCodecs.ack.method, interfaceId: Session.id };
      const { capability } = session.inbox(recipientKey);
      assert.equal(await codeOf(capability.call(foreign, () => {})), "E019_UNKNOWN_METHOD");
      const missing = { ...inboxCodecs.ack.method, ordinal: 99 };
      assert.equal(await codeOf(capability.call(missing, () => {})), "E019_UNKNOWN_METHOD");
      const subscription = session.inbox(recipientKey).subscribe(new TestSink()).pipeline(0);
      assert.equal(await codeOf(subscription.call(missing, () => {})), "E019_UNKNOWN_METHOD");
      assert.deepEqual(await session.send([]), []);
    });

    test("calls on a Session are counted by interface and method", async () => {
      using client = await RawClient.connect(server);
      using session = open(client);
      await session.inbox(freshKey()).ack(0n);
      const metrics = await (await fetch(`http://127.0.0.1:${server.opsPort}/metrics`)).text();
      for (const method of ["openSession", "Session.inbox", "Inbox.ack"]) {
        assert.match(
          metrics,
          new RegExp(`qpq_rpc_calls_total\\{method="${method.replace(".", "\\.")}",code="ok"\\} \\d`),
        );
      }
    });

    test("SIGTERM ends every subscription with E033_SHUTTING_DOWN and a time to wait", async () => {
      await using going = await start();
      using client = await RawClient.connect(going);
      using session = new RawSession(client.service, going.token);
      const sinks = [new TestSink(), new TestSink()];
      for (const sink of sinks) await session.inbox(freshKey()).subscribe(sink);
      const ended = going.kill("SIGTERM");
      for (const sink of sinks) {
        await sink.until(() => sink.isEnded);
        assert.equal(sink.ended?.code, "E033_SHUTTING_DOWN");
        assert.notEqual(sink.ended?.retryAfterMs, undefined);
      }
      assert.equal(await ended, 0);
    });
  });
}
