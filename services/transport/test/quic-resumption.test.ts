/** Sessions that are resumed or refused, and what becomes of early data that the server does not take. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it, type TestContext } from "node:test";
import fc from "fast-check";
import { QpqError } from "quicproquo-proto";
import { closeCodes } from "../src/port.ts";
import { makeCertificate } from "./certificate.ts";
import { dial, openRelay, startListener, until } from "./quic-pair.ts";
import { type Chunk, earlyServer, established, noting, sessionOf } from "./sessions.ts";
import { closed, echo, roundTrip } from "./stream-io.ts";

/** Early data to a listener that does not take it as such: it comes once, behind the handshake. */
async function assertComesLateAndOnce(
  test: TestContext,
  to: { readonly port: number },
  how: { readonly session: Uint8Array; readonly resumed: boolean; readonly chunks: Chunk[] },
): Promise<void> {
  how.chunks.length = 0; // what the first connection said
  const client = await dial(test, to, { session: how.session, earlyData: true });
  assert.equal(client.inEarlyData, true, "the client could not know yet");
  const over = established(client);
  assert.equal(await roundTrip(client, "hoped to be early"), "hoped to be early");
  await over;
  assert.equal(client.info.resumed, how.resumed);
  assert.equal(client.inEarlyData, false);
  assert.deepEqual(how.chunks, [{ text: "hoped to be early", early: false }]);
  assert.equal(await roundTrip(client, "and on"), "and on");
}

it("takes early data with another ticket key behind a full handshake, once", async (test) => {
  const chunks: Chunk[] = [];
  const options = { onConnection: noting(chunks), earlyData: true };
  const session = await sessionOf(test, await startListener(test, { ...options, ticketKey: randomBytes(48) }));
  const other = await startListener(test, { ...options, ticketKey: randomBytes(48) });
  await assertComesLateAndOnce(test, other, { session, resumed: false, chunks });
});

it("changes its ticket key while it runs: old sessions make a full handshake, new ones resume", async (test) => {
  const chunks: Chunk[] = [];
  const listener = await startListener(test, { ...earlyServer(), onConnection: noting(chunks) });
  const yesterday = await sessionOf(test, listener);
  const lasting = await dial(test, listener);
  listener.setTicketKey(randomBytes(48));
  await assertComesLateAndOnce(test, listener, { session: yesterday, resumed: false, chunks });
  const today = await sessionOf(test, listener);
  const client = await dial(test, listener, { session: today, earlyData: true });
  assert.equal(await roundTrip(client, "of today"), "of today");
  assert.deepEqual(chunks.at(-1), { text: "of today", early: true });
  assert.equal(await roundTrip(lasting, "unmoved"), "unmoved");
  assert.throws(
    () => listener.setTicketKey(new Uint8Array(47)),
    (error) => error instanceof QpqError && error.code === "E046_CONFIG",
  );
});

it("takes early data behind the handshake where the server wants none, once", async (test) => {
  const chunks: Chunk[] = [];
  const options = { ...earlyServer(), onConnection: noting(chunks) };
  const session = await sessionOf(test, await startListener(test, options));
  const unwilling = await startListener(test, { ...options, earlyData: false });
  await assertComesLateAndOnce(test, unwilling, { session, resumed: true, chunks });
});

it("takes early data behind a Retry, once", async (test) => {
  const chunks: Chunk[] = [];
  const options = { ...earlyServer(), onConnection: noting(chunks) };
  const session = await sessionOf(test, await startListener(test, options));
  const wary = await startListener(test, { ...options, limits: { halfOpenMax: 0 } });
  const client = await dial(test, wary, { session, earlyData: true });
  chunks.length = 0;
  assert.equal(await roundTrip(client, "after a Retry"), "after a Retry");
  assert.equal(wary.stats()["retries"], 1);
  assert.deepEqual(
    chunks.map(({ text }) => text),
    ["after a Retry"],
  );
});

for (const [name, keyOfSecond] of [
  ["taken", "the same"],
  ["refused", "another"],
] as const) {
  it(`loses and doubles nothing of 40 early streams that are ${name}, at 10 % loss`, {
    timeout: 30_000,
  }, async (test) => {
    const options = earlyServer();
    const session = await sessionOf(test, await startListener(test, options));
    const came: string[] = [];
    const second = await startListener(test, {
      ...options,
      limits: { handshakeMsMax: 20_000 },
      ...(keyOfSecond === "another" ? { ticketKey: randomBytes(48) } : {}),
      onConnection: (connection) => {
        echo(connection);
        const { onStream } = connection;
        connection.onStream = (stream) => {
          came.push(`${stream.id}`);
          onStream?.(stream);
        };
      },
    });
    const relay = await openRelay(test, second, { seed: 7, lossPercent: 10 });
    const limits = { handshakeMsMax: 20_000 };
    const client = await dial(test, relay, { session, earlyData: true, limits });
    assert.equal(client.inEarlyData, true);
    const texts = Array.from({ length: 40 }, (_, i) => `stream ${i} `.repeat(100));
    assert.deepEqual(await Promise.all(texts.map((text) => roundTrip(client, text))), texts);
    assert.deepEqual(
      came.map(Number).toSorted((a, b) => a - b),
      texts.map((_, i) => i * 4),
    );
    assert.ok(relay.counts.toServer.lost > 0);
  });
}

it("resumes without early data unless told to, and gives a new session each time", async (test) => {
  const listener = await startListener(test, earlyServer());
  const first = await sessionOf(test, listener);
  const sessions: Uint8Array[] = [];
  const client = await dial(test, listener, { session: first, onSession: (session) => void sessions.push(session) });
  assert.deepEqual([client.inEarlyData, client.info.resumed], [false, true]);
  await until(() => sessions.length > 0);
  for (const session of sessions) assert.notDeepEqual(session, first);
  assert.equal((await dial(test, listener, { session: sessions.at(-1) as Uint8Array })).info.resumed, true);
});

it("counts a session as none that was checked against another name, protocol or certificate", async (test) => {
  const two = await startListener(test, { ...earlyServer(), alpn: ["test", "other"] });
  const session = await sessionOf(test, two);
  const client = await dial(test, two, { session, earlyData: true, alpn: ["other"] });
  assert.deepEqual([client.inEarlyData, client.info.resumed, client.info.alpn], [false, false, "other"]);
  const elsewhere = await makeCertificate();
  await assert.rejects(
    dial(test, two, { session, earlyData: true, trust: { caCertificate: elsewhere.certificate } }),
    (error) => error instanceof QpqError && error.code === "E041_CERTIFICATE",
  );
  await assert.rejects(
    dial(test, two, { session, earlyData: true, serverName: "elsewhere.example" }),
    (error) => error instanceof QpqError && error.code === "E041_CERTIFICATE",
  );
});

it("connects with any bytes in place of a session, or a damaged one", { timeout: 30_000 }, async (test) => {
  const listener = await startListener(test, earlyServer());
  const session = await sessionOf(test, listener);
  const damaged = fc.tuple(fc.nat(session.length - 1), fc.nat(7), fc.nat(session.length)).map(([at, bit, keep]) => {
    const bytes = Buffer.from(session);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    return bytes.subarray(0, Math.max(keep, 1));
  });
  const flipped = fc.tuple(fc.nat(session.length - 1), fc.nat(7)).map(([at, bit]) => {
    const bytes = Buffer.from(session);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    return bytes;
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 100 }), damaged, flipped), async (bytes) => {
      const client = await dial(test, listener, { session: bytes });
      assert.equal(await roundTrip(client, "connected"), "connected");
      client.close(closeCodes.done, "next");
    }),
    { numRuns: 100 },
  );
});

it("closes the connection when onSession or onEstablished throws, and no other", async (test) => {
  const listener = await startListener(test, earlyServer());
  const session = await sessionOf(test, listener);
  const faults: unknown[] = [];
  const onFault = (error: unknown): void => void faults.push(error);
  const planted = (): never => {
    throw new Error("planted");
  };
  const one = await dial(test, listener, { onFault, onSession: planted });
  assert.equal((await closed(one)).code, closeCodes.internal);
  const two = await dial(test, listener, { onFault, session, earlyData: true });
  two.onEstablished = planted;
  assert.equal((await closed(two)).code, closeCodes.internal);
  assert.deepEqual(faults.map(String), ["Error: planted", "Error: planted"]);
  assert.equal(await roundTrip(await dial(test, listener), "unharmed"), "unharmed");
});
