/**
 * A real client whose peer's frame with an id comes a second time, after the id was given back, and whose own frames that
 * give ids back are lost: the library's `send` then runs for ever if that id is used again. `given-back-process.ts other`:
 * the peer has given one more; `none`: it has not. Says what became of it; a process of its own, for it may hang.
 */
import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { clientConfig, serverConfig } from "../src/quic/config.ts";
import { type NativeConnection, quiche } from "../src/quic/native.ts";
import { PeerIds } from "../src/quic/peer-ids.ts";
import { resolveQuicLimits } from "../src/quic/quic-limits.ts";
import { makeCertificate } from "./certificate.ts";

const limits = resolveQuicLimits();
const { certificate, privateKey } = await makeCertificate();
const alpn = ["test"];
const clientAt = { host: "127.0.0.1", port: 1_000 };
const serverAt = { host: "127.0.0.1", port: 2_000 };
const trust = { caCertificate: certificate };
const clients = clientConfig({ trust, alpn, limits, earlyData: false });
const servers = serverConfig({ certificate, privateKey, alpn, limits, ticketKey: undefined, earlyData: false });
for (const config of [clients, servers]) config.setMaxSendUdpPayloadSize(1_200);

const client = quiche.Connection.connect("localhost", randomBytes(20), clientAt, serverAt, clients);
const first = packetsOf(client);
const server = quiche.Connection.accept(randomBytes(20), undefined, serverAt, clientAt, servers);
toServer(first);
while (!server.isEstablished() || !client.isEstablished()) exchange();

server.newSourceCid(randomBytes(20), 1n, false);
server.newSourceCid(randomBytes(20), 2n, false);
const late = packetsOf(server);
// what is acknowledged behind it makes the server take it for lost, and send it again
while (client.availableDcids() < 2) await exchangeMore(server);

let isSpent = false;
const onSpent = (): void => {
  isSpent = true;
};
const ids = new PeerIds({ native: client, local: clientAt, peer: serverAt, onSpent });
ids.rotate();
ids.rotate();
packetsOf(client); // lost: what gives 0 and 1 back
toClient(late); // 1 is there again
if (client.availableDcids() !== 1) throw new Error("the library has learnt what it has given back");
if (process.argv[2] === "other") {
  server.newSourceCid(randomBytes(20), 3n, true);
  toClient(packetsOf(server));
}
ids.rotate();
if (!isSpent) for (let i = 0; i < 8; i++) await exchangeMore(client);
process.stdout.write(isSpent ? "spent\n" : "sends\n");
process.exit();

function packetsOf(native: NativeConnection): Buffer[] {
  const packets: Buffer[] = [];
  for (;;) {
    const buffer = Buffer.alloc(1_500);
    const sent = native.send(buffer);
    if (sent === null) return packets;
    packets.push(buffer.subarray(0, sent[0]));
  }
}

function toServer(packets: readonly Buffer[]): void {
  for (const packet of packets) {
    try {
      server.recv(packet, { from: clientAt, to: serverAt });
    } catch {
      // It has no id to spare for a client that takes another one; what counts is what the client sends.
    }
  }
}

function toClient(packets: readonly Buffer[]): void {
  for (const packet of packets) client.recv(packet, { from: serverAt, to: clientAt });
}

function exchange(): void {
  toClient(packetsOf(server));
  toServer(packetsOf(client));
}

/** With something to be acknowledged from one of them, and the time that an acknowledgement may take. */
async function exchangeMore(from: NativeConnection): Promise<void> {
  from.sendAckEliciting();
  exchange();
  exchange();
  await setTimeout(30);
  for (const native of [client, server]) if (native.timeout() !== null) native.onTimeout();
}
