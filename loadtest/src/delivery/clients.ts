/** Connections of a load to front-ends, spread evenly over them. */
import { setTimeout } from "node:timers/promises";
import { protocolVersion } from "quicproquo-proto";
import { NodeClient } from "quicproquo-sdk";
import { several } from "./callers.ts";

const renewPauseMs = 1_000;

export type FrontEndAddress = {
  /** Numeric. */
  readonly host: string;
  readonly port: number;
  /** DER. */
  readonly certificateBase64: string;
  readonly token: string;
};

export type ClientsTask = {
  readonly frontEnds: readonly FrontEndAddress[];
  readonly connections: number;
  /** A connection that is lost is made again, and its calls fail; else the program ends: what it measures would mean something else. */
  readonly renews?: boolean;
};

export type Client = { node: NodeClient; readonly token: Uint8Array; readonly auth: Auth };
type Auth = { readonly version: number; readonly accessToken: Uint8Array; readonly deviceId: Uint8Array };

export async function connectClients({ frontEnds, connections, renews = false }: ClientsTask): Promise<Client[]> {
  return await several(connections, async (i) => {
    const address = frontEnds[i % frontEnds.length] as FrontEndAddress;
    const accessToken = Buffer.from(address.token);
    const auth = { version: protocolVersion, accessToken, deviceId: new Uint8Array() };
    const client: Client = { node: await connect(address), token: accessToken, auth };
    const watch = (): void => {
      client.node.onClose = (cause) => {
        process.stderr.write(`a connection of the load was lost: ${String(cause)}\n`);
        if (!renews) process.exit(1);
        void renew();
      };
    };
    const renew = async (): Promise<void> => {
      for (;;) {
        try {
          client.node = await connect(address);
          return watch();
        } catch {
          await setTimeout(renewPauseMs);
        }
      }
    };
    watch();
    return client;
  });
}

async function connect({ host, port, certificateBase64 }: FrontEndAddress): Promise<NodeClient> {
  const trust = { caCertificate: Buffer.from(certificateBase64, "base64") };
  return await NodeClient.connect({ host, port, serverName: "localhost", trust, transport: "quic" });
}
