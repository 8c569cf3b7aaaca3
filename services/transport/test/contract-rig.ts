/** Opens transports for the contract's tests, keeps what their callbacks threw, and closes what a test left open. */
import { type Connection, closeCodes, type Listener, type OnConnection } from "../src/port.ts";

type ContractLimits = { readonly streamsMax?: number; readonly sendQueueBytesMax?: number };

interface Transport {
  listen(onConnection: OnConnection): Promise<Listener>;
  dial(listener: Listener): Promise<Connection>;
}

type TransportOptions = {
  readonly limits: ContractLimits;
  /** Gets what callbacks threw. */
  readonly onFault: (error: unknown) => void;
};

export type MakeTransport = (options: TransportOptions) => Promise<Transport>;

export class ContractRig {
  readonly make: MakeTransport;
  readonly #open: Listener[] = [];

  constructor(make: MakeTransport) {
    this.make = make;
  }

  start = async (onConnection: OnConnection, limits: ContractLimits = {}) => {
    const faults: unknown[] = [];
    const transport = await this.make({ limits, onFault: (error) => void faults.push(error) });
    const listener = await transport.listen(onConnection);
    this.#open.push(listener);
    return { listener, faults, dial: () => transport.dial(listener) };
  };

  /** A connection and its other side. */
  pair = async (limits: ContractLimits = {}) => {
    const server = Promise.withResolvers<Connection>();
    const rig = await this.start((connection) => server.resolve(connection), limits);
    const client = await rig.dial();
    return { ...rig, client, server: await server.promise };
  };

  async closeAll(): Promise<void> {
    for (const listener of this.#open.splice(0)) await listener.close(closeCodes.done, "test over");
  }
}
