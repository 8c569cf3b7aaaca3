/**
 * A client that misuses connection ids (RFC 9000 sections 5.1.2 and 19.15) in every way that quiche 0.18 has a weakness
 * for: numbers that come again with other bytes, numbers that were to be retired, ids that are retired while they are in
 * use, each together with another address and with frames of the server's that are never acknowledged. The library's
 * `send` then runs for ever over its RETIRE_CONNECTION_ID frames (CVE-2025-7054), so the server is a process of its own.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it, type TestContext } from "node:test";
import { frames } from "./forge.ts";
import { dial, trusted } from "./quic-pair.ts";
import { RawClient } from "./raw-client.ts";
import { ServerChild } from "./server-child.ts";
import { pingPong, roundTrip } from "./stream-io.ts";

/** NEW_CONNECTION_ID with an id nobody has seen. */
const newId = (sequence: number, retirePriorTo = 0): Buffer =>
  frames.newConnectionId(sequence, retirePriorTo, randomBytes(20), randomBytes(16));

type Sender = (...parts: readonly Uint8Array[]) => void;

/** `home` sends from where the handshake was, `away` from two other ports. */
type Attack = (from: { readonly home: Sender; readonly away: readonly [Sender, Sender] }) => void;

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

async function attack(test: TestContext, run: Attack): Promise<void> {
  const server = await ServerChild.start(trusted);
  test.after(() => server.kill());
  const bystander = await dial(test, server);
  const stream = bystander.openStream();
  await pingPong(stream, 10);
  const client = await RawClient.open(test, server);
  const native = client.connect();
  const forge = client.forgeable(native);
  await client.run(native, () => native.isEstablished() && native.availableDcids() > 0);
  client.flush(native);
  const forged = forge();
  const from =
    (at: RawClient): Sender =>
    (...parts) =>
      at.send(forged.packet(...parts));
  const away = [await RawClient.open(test, server), await RawClient.open(test, server)] as const;
  run({ home: from(client), away: [from(away[0]), from(away[1])] });
  await pingPong(stream, 10);
  assert.equal(await roundTrip(await dial(test, server), "alive"), "alive");
  assert.deepEqual((await server.use()).faults, []);
}

for (const [name, run] of Object.entries(attacks)) {
  it(`serves others on when a client ${name}`, { timeout: 20_000 }, (test) => attack(test, run));
}
