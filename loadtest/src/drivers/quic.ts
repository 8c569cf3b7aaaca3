/** Callers of `enqueue` over real QUIC connections, spread evenly. */
import { protocolVersion } from "quicproquo-proto";
import { NodeClient, type ServerAddress } from "quicproquo-sdk";
import { closedLoop } from "../closed-loop.ts";
import { Workload } from "../workload.ts";
import { readTask } from "./driver.ts";

export type QuicTask = {
  readonly server: Omit<ServerAddress, "trust"> & { readonly caCertificateBase64: string };
  readonly token: string;
  readonly connections: number;
  readonly callers: number;
  readonly warmUpMs: number;
  readonly windowMs: number;
};

const { server, token, connections, ...loop } = await readTask<QuicTask>();
const address = { ...server, trust: { caCertificate: Buffer.from(server.caCertificateBase64, "base64") } };
const clients: NodeClient[] = [];
// one after the other: a handshake storm is another scenario
for (let i = 0; i < connections; i++) clients.push(await NodeClient.connect(address));
const workload = new Workload();
const auth = { version: protocolVersion, accessToken: Buffer.from(token), deviceId: new Uint8Array() };
const channelId = new Uint8Array();
const result = await closedLoop({
  ...loop,
  request: (caller) =>
    (clients[caller % connections] as NodeClient).call("enqueue", {
      ...workload.next(),
      channelId,
      version: protocolVersion,
      auth,
      ttlSecs: 0,
    }),
});
for (const client of clients) client.close();
process.stdout.write(`${JSON.stringify(result)}\n`);
