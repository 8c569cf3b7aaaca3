/** What every transport promises, as a function of a factory: run over QUIC and over memory. */
import { afterEach, describe } from "node:test";
import { describeConnections } from "./contract-connections.ts";
import { ContractRig, type MakeTransport } from "./contract-rig.ts";
import { describeStreams } from "./contract-streams.ts";

export function transportContract(name: string, make: MakeTransport): void {
  describe(`the transport contract over ${name}`, () => {
    const rig = new ContractRig(make);
    afterEach(() => rig.closeAll());
    describeStreams(rig);
    describeConnections(rig);
  });
}
