import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import { it, type TestContext } from "node:test";
import { QpqError } from "quicproquo-proto";
import { closeCodes, type Connection } from "../src/port.ts";
import { type Candidate, dialFirst } from "../src/race.ts";
import { makeCertificate } from "./certificate.ts";
import * as quic from "./quic-pair.ts";
import { closed, roundTrip } from "./stream-io.ts";
import * as websocket from "./websocket-pair.ts";

type Place = { readonly port: number };

/** The delay of the second is so long that a test ends by its own timeout where waiting for it would be the fault. */
const farMs = 3_600_000;

function quicTo(test: TestContext, to: Place, caCertificate = quic.trusted.certificate): Candidate {
  return { name: "QUIC", dial: (signal) => quic.dial(test, to, { signal, trust: { caCertificate } }) };
}

function websocketTo(
  test: TestContext,
  to: Place,
  options: { readonly delayMs?: number; readonly caCertificate?: Uint8Array } = {},
): Candidate {
  const { delayMs = farMs, caCertificate = websocket.trusted.certificate } = options;
  return {
    name: "WebSocket",
    delayMs,
    dial: (signal) => websocket.dial(test, to, { signal, trust: { caCertificate } }),
  };
}

/** A network that swallows UDP: `seen` resolves with the first datagram. */
async function swallow(test: TestContext): Promise<Place & { readonly seen: Promise<unknown> }> {
  const socket = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  test.after(() => socket.close());
  return { port: socket.address().port, seen: once(socket, "message") };
}

/** A UDP port where nothing listens: the kernel says so. */
async function nowhere(): Promise<Place> {
  const socket = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return { port };
}

/** A TCP port where nothing listens. */
async function nowhereTcp(test: TestContext): Promise<Place> {
  const listener = await websocket.startListener(test);
  await listener.close(closeCodes.done, "gone");
  return listener;
}

const failure = async (dialling: Promise<Connection>): Promise<QpqError> => {
  const error = await dialling.then(
    () => assert.fail("the dial succeeded"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof QpqError, String(error));
  return error;
};

it("takes QUIC where both work, and never dials the other", async (test) => {
  const [udp, tcp] = [await quic.startListener(test), await websocket.startListener(test)];
  const connection = await dialFirst([quicTo(test, udp), websocketTo(test, tcp)]);
  assert.equal(connection.info.protocol, "quic");
  assert.equal(await roundTrip(connection, "by QUIC"), "by QUIC");
  assert.equal(tcp.stats()["connections"], 0);
});

it("takes the WebSocket after a moment where UDP is swallowed", { timeout: 4_000 }, async (test) => {
  // QUIC alone would give up after its 5 s, which is beyond this test's timeout.
  const [udp, tcp] = [await swallow(test), await websocket.startListener(test)];
  const dialled: string[] = [];
  const candidates = [quicTo(test, udp), websocketTo(test, tcp, { delayMs: 50 })].map((candidate) => ({
    ...candidate,
    dial: (signal: AbortSignal) => {
      dialled.push(candidate.name);
      return candidate.dial(signal);
    },
  }));
  const connection = await dialFirst(candidates);
  assert.deepEqual([connection.info.protocol, dialled], ["websocket", ["QUIC", "WebSocket"]]);
  assert.equal(await roundTrip(connection, "by TCP"), "by TCP");
});

it("takes the WebSocket at once when QUIC is refused", { timeout: 10_000 }, async (test) => {
  const tcp = await websocket.startListener(test);
  const connection = await dialFirst([quicTo(test, await nowhere()), websocketTo(test, tcp)]);
  assert.equal(await roundTrip(connection, "by TCP"), "by TCP");
});

it("aborts the loser, and closes a connection that it brings all the same", { timeout: 10_000 }, async (test) => {
  const accepted = Promise.withResolvers<Connection>();
  const udp = await quic.startListener(test);
  const tcp = await websocket.startListener(test, { onConnection: accepted.resolve });
  const won = Promise.withResolvers<void>();
  let aborted: AbortSignal | undefined;
  const late: Candidate = {
    name: "late",
    dial: async (signal) => {
      aborted = signal;
      const connection = await websocket.dial(test, tcp); // does not listen to the signal
      await won.promise;
      return connection;
    },
  };
  const connection = await dialFirst([late, { ...quicTo(test, udp), delayMs: 0 }]);
  assert.equal(connection.info.protocol, "quic");
  assert.equal(aborted?.aborted, true);
  const over = closed(await accepted.promise);
  won.resolve();
  const { code, byPeer } = await over;
  assert.deepEqual([code, byPeer], [closeCodes.done, true]);
  assert.equal(await roundTrip(connection, "the winner stays"), "the winner stays");
});

it("aborts a QUIC dial under way when the WebSocket wins", { timeout: 10_000 }, async (test) => {
  const udp = await swallow(test);
  const tcp = await websocket.startListener(test);
  const { name, dial } = quicTo(test, udp);
  const lost = Promise.withResolvers<unknown>();
  const watched: Candidate = {
    name,
    dial: (signal) => {
      const dialling = dial(signal);
      dialling.catch(lost.resolve);
      return dialling;
    },
  };
  await dialFirst([watched, websocketTo(test, tcp, { delayMs: 0 })]);
  const error = await lost.promise;
  assert.ok(error instanceof QpqError && /aborted/.test(error.text), String(error));
});

it("says why each failed when all do", { timeout: 10_000 }, async (test) => {
  const dead = [quicTo(test, await nowhere()), websocketTo(test, await nowhereTcp(test))];
  const error = await failure(dialFirst(dead));
  assert.equal(error.code, "E040_CONNECT_FAILED");
  assert.equal(error.text, "QUIC: nothing listens at this address; WebSocket: nothing listens at this address");
});

it("tells a refused certificate before anything else", { timeout: 10_000 }, async (test) => {
  const tcp = await websocket.startListener(test);
  const other = await makeCertificate();
  const refusing = websocketTo(test, tcp, { caCertificate: other.certificate });
  const error = await failure(dialFirst([quicTo(test, await nowhere()), refusing]));
  assert.equal(error.code, "E041_CERTIFICATE");
  assert.match(error.text, /^QUIC: nothing listens .*; WebSocket: the server's certificate is not the trusted one$/);
});

it("hands on the error of an only candidate as it is", { timeout: 10_000 }, async (test) => {
  const error = await failure(dialFirst([quicTo(test, await nowhere())]));
  assert.deepEqual([error.code, error.text], ["E040_CONNECT_FAILED", "nothing listens at this address"]);
});

it("ends with the caller's signal, before it begins and while it waits", { timeout: 4_000 }, async (test) => {
  const udp = await swallow(test);
  const tcp = await websocket.startListener(test);
  const candidates = [quicTo(test, udp), websocketTo(test, tcp)];
  const before = await failure(dialFirst(candidates, AbortSignal.abort()));
  assert.match(before.text, /aborted/);
  const controller = new AbortController();
  void udp.seen.then(() => controller.abort(new Error("not wanted any more")));
  const error = await failure(dialFirst(candidates, controller.signal));
  assert.equal(error.code, "E040_CONNECT_FAILED");
  assert.match(String(error.cause), /not wanted any more/);
  assert.equal(tcp.stats()["connections"], 0);
});
