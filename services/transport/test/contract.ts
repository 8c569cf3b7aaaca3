/** What every transport promises, as a function of a factory: run over QUIC, WebSocket and memory. */
import { afterEach, describe } from "node:test";
import { describeConnections } from "./contract-connections.ts";
import { describeManyStreams } from "./contract-many-streams.ts";
import { ContractRig, type MakeTransport, type TransportTraits } from "./contract-rig.ts";
import { describeStreams } from "./contract-streams.ts";

export function transportContract(name: string, traits: TransportTraits, make: MakeTransport): void {
  describe(`the transport contract over ${name}`, () => {
    const rig = new ContractRig(make, traits);
    afterEach(() => rig.closeAll());
    describeStreams(rig);
    describeConnections(rig);
    if (traits.streams === "many") describeManyStreams(rig);
  });
}
