/** What every transport promises, as a function of a factory: run over QUIC, WebSocket and memory. */
import { afterEach, describe } from "node:test";
import { describeConnections } from "./contract-connections.ts";
import { describeManyStreams } from "./contract-many-streams.ts";
import { ContractRig, type MakeTransport } from "./contract-rig.ts";
import { describeStreams } from "./contract-streams.ts";

/** streams: how many a connection of this transport carries. */
export function transportContract(name: string, streams: "one" | "many", make: MakeTransport): void {
  describe(`the transport contract over ${name}`, () => {
    const rig = new ContractRig(make);
    afterEach(() => rig.closeAll());
    describeStreams(rig);
    describeConnections(rig);
    if (streams === "many") describeManyStreams(rig);
  });
}
