/** The server's own calls and domains over the store and the transport in memory, on a clock of the test's. */
import { createMemoryNetwork } from "quicproquo-transport/memory";
import { AccessTokens } from "../../src/access/access-tokens.ts";
import { handshakeDone } from "../../src/calls/early-data.ts";
import { InFlight } from "../../src/calls/in-flight.ts";
import { Origin } from "../../src/calls/origin.ts";
import type { CallParts } from "../../src/calls/scope.ts";
import { serveSession } from "../../src/calls/serve-session.ts";
import { loadConfig, type ServerConfig } from "../../src/config.ts";
import { createDomains } from "../../src/domains.ts";
import { createLog } from "../../src/observe/log.ts";
import { testOpaqueSetup } from "../../testing/opaque-setup.ts";
import { memoryStore } from "../access/accounts.ts";
import { RawClient } from "../e2e/raw-client.ts";

export const staticToken = "static token";

export function startMemoryFrontEnd(clock: () => number, limits: Partial<ServerConfig["limits"]> = {}) {
  const config = loadConfig({ args: [], env: {} });
  const store = memoryStore(clock);
  const settings = { ...config, opaqueSetup: testOpaqueSetup, limits: { ...config.limits, ...limits } };
  const domains = createDomains(store, settings, clock);
  const parts: CallParts = {
    domains,
    access: new AccessTokens(staticToken, domains),
    observer: { callEnded() {}, messagesDelivered() {}, backgroundFailed() {} },
    log: createLog("silent"),
    inFlight: new InFlight(),
    clock,
  };
  const network = createMemoryNetwork();
  const address = { host: "here", port: 7_000, alpn: ["capnp"] };
  const session = { handshake: handshakeDone, callsInFlightMax: 100, pushBytesMax: 1_000_000 };
  network.listen({
    ...address,
    onConnection: (connection) => {
      const origin = new Origin(connection);
      connection.onStream = (stream) => void serveSession(parts, stream, { ...session, origin });
    },
  });
  const connect = async (token: Uint8Array | string): Promise<RawClient> =>
    RawClient.on(await network.dial(address), token);
  return { store, domains, connect };
}
