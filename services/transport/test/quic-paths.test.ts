/** What a peer, or somebody beside it, can do with connection ids and addresses. The library's client plays all of them. */
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import { it, type TestContext } from "node:test";
import type { Connection } from "../src/port.ts";
import type { NativeConnection } from "../src/quic/native.ts";
import type { QuicConnection } from "../src/quic/connection.ts";
import { ConnectionTable } from "../src/quic/connection-table.ts";
import { mintConnectionId } from "../src/quic/connection-id.ts";
import { startListener, until } from "./quic-pair.ts";
import { RawClient } from "./raw-client.ts";
import { echo } from "./stream-io.ts";

/** A client whose handshake is over and that has got ids to spare. */
async function connected(test: TestContext, listener: { readonly port: number }) {
  const client = await RawClient.open(test, listener);
  const native = client.connect();
  await client.run(native, () => native.isEstablished() && native.availableDcids() > 0);
  client.flush(native);
  return { client, native };
}

/** One message there and back. */
async function ask(client: RawClient, native: NativeConnection, stream: number): Promise<void> {
  native.streamSend(stream, Buffer.from("still there?"), true);
  await client.run(native, () => native.streamReadable(stream));
  native.streamRecv(stream, Buffer.alloc(100));
}

/** A socket of somebody who has got hold of the client's datagrams. */
async function stranger(test: TestContext) {
  const socket = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  test.after(() => socket.close());
  let bytes = 0;
  socket.on("message", (datagram) => {
    bytes += datagram.length;
  });
  return { socket, received: () => bytes };
}

it("drops what comes late for an id that the client has given back, and goes on", async (test) => {
  const listener = await startListener(test);
  const { client, native } = await connected(test, listener);
  native.sendAckEliciting();
  const [late] = client.packetsOf(native);
  assert.ok(late !== undefined);
  native.retireDestinationCid(0);
  await ask(client, native, 0);
  client.send(late);
  await ask(client, native, 4);
  const { statelessResets, connections } = listener.stats();
  assert.deepEqual([statelessResets, connections], [0, 1]);
});

it("replaces the ids that a client gives back, and no more than a bounded number at once", async (test) => {
  const listener = await startListener(test);
  const { client, native } = await connected(test, listener);
  let number = 0;
  const giveBack = async (): Promise<void> => {
    native.retireDestinationCid(number);
    number += 1;
    await ask(client, native, 4 * number);
  };
  const begun = performance.now();
  while (native.availableDcids() > 0) await giveBack();
  const seconds = (performance.now() - begun) / 1_000;
  assert.ok(number > 16, `only ${number} were replaced`);
  assert.ok(number <= 32 + 3 + seconds, `${number} were given in ${seconds} s`);
  // One a second is given after that.
  await until(() => performance.now() > begun + 1_100);
  assert.equal(listener.stats()["connections"], 1);
});

it("sends no more than three times what came to an address that proves nothing", async (test) => {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await startListener(test, { onConnection: accepted.resolve });
  const { client, native } = await connected(test, listener);
  const server = await accepted.promise;
  const { socket, received } = await stranger(test);
  const { peerPort } = server.info;
  server.openStream().write(new Uint8Array(500_000)); // it has much to say
  native.sendAckEliciting();
  const [stolen] = client.packetsOf(native);
  assert.ok(stolen !== undefined);
  socket.send(stolen, listener.port, "127.0.0.1");
  await until(() => received() > 0);
  const begun = performance.now();
  await until(() => performance.now() > begun + 3_500); // as long as it is asked for a proof, and longer
  assert.ok(received() <= 3 * stolen.length, `${received()} bytes for ${stolen.length}`);
  assert.equal(server.info.peerPort, peerPort);
  // The client itself was not heard for so long; now it is, and is answered where it was.
  native.streamSend(0, Buffer.from("it is me"), false);
  await client.run(native, () => native.streamReadable(1));
});

it("moves for no datagram that is not the client's own, or that it has had already", async (test) => {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await startListener(test, {
    onConnection: (connection) => {
      echo(connection);
      accepted.resolve(connection);
    },
  });
  const { client, native } = await connected(test, listener);
  await accepted.promise;
  const { socket, received } = await stranger(test);
  native.sendAckEliciting();
  const [known] = client.packetsOf(native);
  assert.ok(known !== undefined);
  const forged = Buffer.from(known);
  forged.fill(0x55, 30);
  client.send(Buffer.from(known));
  const { datagramsIn = 0 } = listener.stats();
  for (const datagram of [known, forged, forged]) socket.send(datagram, listener.port, "127.0.0.1");
  await until(() => (listener.stats()["datagramsIn"] ?? 0) >= datagramsIn + 3);
  await ask(client, native, 0);
  assert.equal(received(), 0);
});

it("keeps no id of a connection that is gone, nor one that was forgotten", () => {
  const table = new ConnectionTable();
  const connection = {} as QuicConnection;
  const ids = Array.from({ length: 5 }, () => mintConnectionId(undefined));
  const find = () => ids.map((id) => table.find(id.toString("latin1")) === connection);
  table.add(connection, { ids: ids.slice(0, 2), host: "192.0.2.7" });
  for (const id of ids.slice(2)) table.addId(connection, id);
  assert.deepEqual(find(), [true, true, true, true, true]);
  table.removeId(connection, ids[2] as Buffer);
  assert.deepEqual(find(), [true, true, false, true, true]);
  table.remove(connection);
  assert.deepEqual(find(), [false, false, false, false, false]);
  assert.deepEqual([table.size, table.countOfPeer("192.0.2.7")], [0, 0]);
});
