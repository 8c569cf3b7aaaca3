/**
 * A client that misuses connection ids (RFC 9000 sections 5.1.2 and 19.15) in every way that quiche 0.18 has a weakness
 * for: numbers that come again with other bytes, numbers that were to be retired, ids that are retired while they are in
 * use, each together with another address and with frames of the server's that are never acknowledged. The library's
 * `send` then runs for ever over its RETIRE_CONNECTION_ID frames (CVE-2025-7054), so the server is a process of its own.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it, type TestContext } from "node:test";
import fc from "fast-check";
import { frames } from "./forge.ts";
import { dial, trusted } from "./quic-pair.ts";
import { RawClient } from "./raw-client.ts";
import { ServerChild } from "./server-child.ts";
import { pingPong, roundTrip } from "./stream-io.ts";

/** NEW_CONNECTION_ID with an id nobody has seen. */
const newId = (sequence: number, retirePriorTo = 0): Buffer =>
  frames.newConnectionId(sequence, retirePriorTo, randomBytes(20), randomBytes(16));

/** The server may answer three times what came from an address that is not proven. */
const padding = Buffer.alloc(1_000);

type Sender = (...parts: readonly Uint8Array[]) => void;

/** `home` sends from where the handshake was, `away` from two other ports. */
type Attack = (from: {
  readonly home: Sender;
  readonly away: readonly [Sender, Sender];
  /** The server has done what there was to do. */
  readonly turn: () => Promise<void>;
}) => Promise<void> | void;

/** Is acknowledged and answered by nobody. */
const lost = (at: Sender, count: number): void => {
  for (let i = 0; i < count; i++) at(frames.ping);
};

const attacks: Readonly<Record<string, Attack>> = {
  "retires the id in use and gives its number again, from another port": ({ away: [away] }) =>
    away(frames.ping, newId(5, 5), newId(0)),
  "gives a number twice that was to be retired, from another port": ({ away: [away] }) =>
    away(frames.ping, newId(5, 5), newId(3), newId(3)),
  "gives the next number twice when it was to be retired": ({ away: [away] }) =>
    away(frames.ping, newId(5, 5), newId(1), newId(1)),
  "does so with ids to spare": ({ away: [away] }) =>
    away(frames.ping, newId(5, 5), newId(6), newId(7), newId(1), newId(1), newId(0)),
  "retires below the id in use, and gives what is lower still": ({ home, away: [away] }) => {
    home(newId(10, 10));
    home(newId(20, 5), newId(3), newId(3));
    away(frames.ping);
  },
  "gives back the bytes of an id under other numbers": ({ home, away: [away] }) => {
    const [id, token] = [randomBytes(20), randomBytes(16)];
    home(frames.newConnectionId(1, 1, id, token), newId(2, 2), frames.newConnectionId(3, 3, id, token));
    away(frames.ping, newId(2), newId(2), newId(9, 9), newId(1), newId(1));
  },
  "moves as it should, and then retires all that is in use": ({ home, away: [away] }) => {
    home(newId(1), newId(2), newId(3));
    away(frames.ping);
    away(frames.ping);
    for (let number = 1; number < 4; number++) {
      home(newId(7 * number, 7 * number), newId(2), newId(2), newId(1), newId(1));
      away(frames.ping, newId(0), newId(3), newId(3));
    }
    lost(away, 8);
  },
  "moves, and leaves the first path without an id until one comes that was given back": ({ home, away: [away] }) => {
    home(newId(1), newId(2));
    lost(away, 2);
    away(frames.ping, newId(7, 7), newId(2));
  },
  "moves, and leaves the new path without one, which is still in use": ({ home, away: [away] }) => {
    const again = newId(1);
    home(newId(2), again);
    away(frames.ping);
    away(frames.pathChallenge(randomBytes(8)), newId(7, 7), again);
  },
  "only probes from other ports, and retires meanwhile": ({ home, away }) => {
    home(newId(1), newId(2), newId(3), newId(4), newId(5), newId(6));
    away[0](frames.ping);
    away[1](frames.pathChallenge(randomBytes(8)), newId(9, 9), newId(2), newId(2), newId(1), newId(1));
    away[0](frames.pathChallenge(randomBytes(8)), newId(12, 12), newId(3), newId(3), newId(1), newId(1));
    lost(away[1], 3);
    lost(away[0], 3);
  },
  "gives an id again that the server has given back": ({ home, away }) => {
    home(newId(1), newId(2), newId(3), newId(4));
    lost(away[0], 2);
    home(newId(0), newId(2), newId(1));
    lost(away[1], 2);
    home(newId(0), newId(2), newId(3));
    lost(home, 2);
    lost(away[0], 20);
  },
  "gives ids without end and has each of them retired at once": ({ home, away: [away] }) => {
    for (let number = 1; number < 4_000; number += 20)
      home(...Array.from({ length: 20 }, (_, i) => newId(number + i, number + i)));
    lost(away, 3);
  },
  "gives numbers without end that were to be retired": ({ home, away: [away] }) => {
    home(newId(100_000, 100_000));
    for (let number = 1; number < 4_000; number += 20) home(...Array.from({ length: 20 }, (_, i) => newId(number + i)));
    lost(away, 3);
  },
  "gives more ids than it may": ({ home, away: [away] }) => {
    home(...Array.from({ length: 20 }, (_, i) => newId(i + 1)));
    lost(away, 3);
  },
  "gives numbers that no path could ever have come to": ({ home, away: [away] }) => {
    home(newId(2 ** 52), newId(2 ** 51), newId(2 ** 50));
    lost(away, 3);
  },
};

/** A server in a process of its own, somebody who talks with it, and hostile clients of it. */
async function besieged(test: TestContext) {
  const server = await ServerChild.start(trusted);
  test.after(() => server.kill());
  const stream = (await dial(test, server)).openStream();
  await pingPong(stream, 10);
  const sockets = [await RawClient.open(test, server), await RawClient.open(test, server)] as const;
  const strike = async (run: Attack): Promise<void> => {
    const client = await RawClient.open(test, server);
    const native = client.connect();
    const forge = client.forgeable(native);
    await client.run(native, () => native.isEstablished() && native.availableDcids() > 0);
    const forged = forge();
    const from =
      (at: RawClient): Sender =>
      (...parts) =>
        at.send(forged.packet(...parts, padding));
    const turn = (): Promise<void> => pingPong(stream, 10);
    await run({ home: from(client), away: [from(sockets[0]), from(sockets[1])], turn });
    await turn();
  };
  return { server, strike };
}

for (const [name, run] of Object.entries(attacks)) {
  it(`serves others on when a client ${name}`, { timeout: 20_000 }, async (test) => {
    const { server, strike } = await besieged(test);
    await strike(run);
    assert.equal(await roundTrip(await dial(test, server), "alive"), "alive");
    assert.deepEqual((await server.use()).faults, []);
  });
}

it("breaks off a connection whose client gives back an id and does not acknowledge its frame, counts that, and reports no fault", {
  timeout: 20_000,
}, async (test) => {
  const { server, strike } = await besieged(test);
  await strike(async ({ home, turn }) => {
    home(frames.retireConnectionId(1));
    // What was sent first is lost when a later one is acknowledged, and is sent again: the frame of the id that is gone too.
    while ((await server.use()).stats["brokenOff"] === 0) {
      home(frames.pathChallenge(randomBytes(8)));
      await turn();
      for (let first = 30; first > 6; first--) home(frames.ack(first, 400));
      await turn();
    }
  });
  const { stats, faults } = await server.use();
  assert.deepEqual([stats["brokenOff"], stats["handshakesFailed"], faults], [1, 0, []]);
});

it("serves others on whatever a client says of ids, from wherever, and whatever it acknowledges", {
  timeout: 60_000,
}, async (test) => {
  const { server, strike } = await besieged(test);
  // A few numbers, so that they meet; and always the same bytes for one of them, or others.
  const known = Array.from({ length: 8 }, () => [randomBytes(20), randomBytes(16)] as const);
  const small = fc.nat(8);
  const frame = fc.oneof(
    fc.constant(frames.ping),
    fc.tuple(small, small).map(([number, retirePriorTo]) => newId(number, Math.min(number, retirePriorTo))),
    fc.tuple(small, small, fc.nat(7)).map(([number, retirePriorTo, at]) => {
      const [id, token] = known[at] ?? [randomBytes(20), randomBytes(16)];
      return frames.newConnectionId(number, Math.min(number, retirePriorTo), id, token);
    }),
    small.map((number) => frames.retireConnectionId(number % 3)),
    fc.constant(frames.pathChallenge(Buffer.alloc(8, 7))),
    fc.tuple(fc.nat(30), fc.nat(6)).map(([first, more]) => frames.ack(first, first + more)),
  );
  const datagram = fc.record({ port: fc.nat(2), parts: fc.array(frame, { minLength: 1, maxLength: 6 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(datagram, { minLength: 1, maxLength: 10 }), async (datagrams) => {
      await strike(({ home, away }) => {
        // With some ids to spare, as an honest one has.
        home(newId(1), newId(2), newId(3), newId(4));
        for (const { port, parts } of datagrams) [home, ...away][port]?.(...parts);
      });
    }),
    { numRuns: 150, endOnFailure: true },
  );
  assert.equal(await roundTrip(await dial(test, server), "alive"), "alive");
  assert.deepEqual((await server.use()).faults, []);
});
