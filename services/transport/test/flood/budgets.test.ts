/** What a stranger's datagrams can make a listener do in a second is bounded, each kind by a limit of its own. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it, type TestContext } from "node:test";
import type { Listener } from "../../src/port.ts";
import { type InitialHeader, initialHeader, isInitial } from "../../src/quic/first-packet.ts";
import { quiche } from "../../src/quic/native.ts";
import type { QuicLimits } from "../../src/quic/index.ts";
import fc from "fast-check";
import { dial, startListener, until } from "../quic-pair.ts";
import { RawClient } from "../raw-client.ts";
import { roundTrip } from "../stream-io.ts";

const count = (listener: Listener, name: string): number => listener.stats()[name] ?? Number.NaN;

type Flooded = { readonly listener: Listener; readonly datagrams: number };

/** Fifty datagrams of the kind, one after the other. */
async function flood(
  test: TestContext,
  limits: Partial<QuicLimits>,
  make: (from: RawClient) => Buffer,
): Promise<Flooded> {
  const listener = await startListener(test, { limits });
  const stranger = await RawClient.open(test, listener);
  const datagrams = 50;
  for (let i = 0; i < datagrams; i++) stranger.send(make(stranger));
  await until(() => count(listener, "datagramsIn") === datagrams);
  return { listener, datagrams };
}

/** The datagrams may stand on both sides of the turn of a second. */
const seconds = 2;

it("tries no more first datagrams in a second than the limit says, and asks the rest to prove their address", async (test) => {
  const { listener, datagrams } = await flood(test, { forgedInitialsPerSecondMax: 5 }, forgedInitial);
  assert.ok(count(listener, "droppedMalformed") <= 5 * seconds);
  assert.equal(count(listener, "droppedMalformed") + count(listener, "retries"), datagrams);
  assert.equal(await roundTrip(await dial(test, listener), "by Retry"), "by Retry");
});

it("sends no more Retries in a second than the limit says", async (test) => {
  const limits = { halfOpenMax: 0, retriesPerSecondMax: 5 };
  const { listener, datagrams } = await flood(test, limits, (stranger) => stranger.initial());
  assert.ok(count(listener, "retries") <= 5 * seconds);
  assert.equal(count(listener, "retries") + count(listener, "droppedLimit"), datagrams);
  // A client asks again until it is its turn.
  assert.equal(await roundTrip(await dial(test, listener), "in the end"), "in the end");
});

it("sends no more version negotiations in a second than the limit says", async (test) => {
  const unknownVersion = (): Buffer => longHeader({ first: 0xc0, version: 0x0a0a0a0a });
  const { listener, datagrams } = await flood(test, { versionNegotiationsPerSecondMax: 5 }, unknownVersion);
  assert.ok(count(listener, "versionNegotiations") <= 5 * seconds);
  assert.equal(count(listener, "versionNegotiations") + count(listener, "droppedLimit"), datagrams);
});

it("reads the header of a first packet as the library does", () => {
  const ids = fc.uint8Array({ maxLength: 20 });
  const anyBytes = fc.tuple(ids, ids, fc.uint8Array({ maxLength: 300 }), fc.nat(0x0f)).map(([to, from, token, low]) => {
    const tokenBytes = Buffer.alloc(2);
    tokenBytes.writeUInt16BE(0x4000 | token.length);
    const head = [Buffer.from([0xc0 | low, 0, 0, 0, 1, to.length]), to, Buffer.from([from.length]), from];
    return Buffer.concat([...head, tokenBytes, token, Buffer.from([0x44, 0x00]), Buffer.alloc(1_200)]);
  });
  fc.assert(
    fc.property(anyBytes, (datagram) => {
      const theirs = quiche.Header.fromSlice(datagram, 20);
      assert.ok(isInitial(datagram));
      const ours = initialHeader(datagram) as InitialHeader;
      assert.deepEqual(ours.destinationId, Buffer.from(theirs.dcid));
      assert.deepEqual(ours.sourceId, Buffer.from(theirs.scid));
      assert.deepEqual(ours.token, Buffer.from(theirs.token ?? []));
    }),
  );
});

it("reads any bytes as a header, or as none", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1_200, maxLength: 1_400 }), (bytes) => {
      const header = initialHeader(Buffer.from(bytes));
      if (header === undefined) return;
      const { destinationId, sourceId, token } = header;
      assert.ok(destinationId.length <= 20 && sourceId.length <= 20 && token.length < bytes.length);
    }),
  );
});

/** Version 1, an Initial that nobody encrypted. */
function forgedInitial(): Buffer {
  const datagram = longHeader({ first: 0xc0, version: 1 });
  datagram[23] = 0; // no token
  datagram.writeUInt16BE(0x4000 | (1_200 - 26), 24);
  return datagram;
}

function longHeader({ first, version }: { readonly first: number; readonly version: number }): Buffer {
  const datagram = randomBytes(1_200);
  datagram[0] = first;
  datagram.writeUInt32BE(version, 1);
  datagram[5] = 8;
  datagram[14] = 8;
  return datagram;
}
