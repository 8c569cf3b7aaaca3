/** Connections of a load to front-ends, spread evenly over them. */
import { protocolVersion } from "quicproquo-proto";
import { NodeClient } from "quicproquo-sdk";
import { several } from "./callers.ts";

export type FrontEndAddress = {
  /** Numeric. */
  readonly host: string;
  readonly port: number;
  /** DER. */
  readonly certificateBase64: string;
  readonly token: string;
};

export type ClientsTask = { readonly frontEnds: readonly FrontEndAddress[]; readonly connections: number };

export type Client = { readonly node: NodeClient; readonly token: Uint8Array; readonly auth: Auth };
type Auth = { readonly version: number; readonly accessToken: Uint8Array; readonly deviceId: Uint8Array };

export async function connectClients({ frontEnds, connections }: ClientsTask): Promise<Client[]> {
  return await several(connections, async (i) => {
    const { host, port, certificateBase64, token } = frontEnds[i % frontEnds.length] as FrontEndAddress;
    const node = await NodeClient.connect({
      host,
      port,
      serverName: "localhost",
      trust: { caCertificate: Buffer.from(certificateBase64, "base64") },
      transport: "quic",
    });
    node.onClose = () => {
      process.stderr.write("a connection of the load was lost\n");
      process.exit(1); // what is measured without it would mean something else
    };
    const accessToken = Buffer.from(token);
    return { node, token: accessToken, auth: { version: protocolVersion, accessToken, deviceId: new Uint8Array() } };
  });
}
