/** Opens transports for the contract's tests, keeps what their callbacks threw, and closes what a test left open. */
import { type ByteStream, type Connection, closeCodes, type Listener, type OnConnection } from "../src/port.ts";
import { echo, pingPong } from "./stream-io.ts";

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

export type TransportTraits = {
  /** How many a connection carries. */
  readonly streams: "one" | "many";
  /** A dial that is refused says why. */
  readonly tellsWhy: boolean;
};

/** More than a writer may write without being told to stop. */
const fenceBytes = 512 * 1024;

export class ContractRig {
  readonly make: MakeTransport;
  readonly traits: TransportTraits;
  readonly #open: Listener[] = [];

  constructor(make: MakeTransport, traits: TransportTraits) {
    this.make = make;
    this.traits = traits;
  }

  start = async (onConnection: OnConnection, limits: ContractLimits = {}) => {
    const faults: unknown[] = [];
    const transport = await this.make({ limits, onFault: (error) => void faults.push(error) });
    const listener = await transport.listen(onConnection);
    this.#open.push(listener);
    return { listener, faults, dial: () => transport.dial(listener) };
  };

  /** A connection and its other side; fence() resolves when another pair has stopped, drained and echoed. */
  pair = async (limits: ContractLimits = {}) => {
    const server = Promise.withResolvers<Connection>();
    let isFirst = true;
    const rig = await this.start((connection) => {
      if (isFirst) server.resolve(connection);
      else echo(connection);
      isFirst = false;
    }, limits);
    const client = await rig.dial();
    let beside: ByteStream | undefined;
    const fence = async (): Promise<void> => {
      beside ??= (await rig.dial()).openStream();
      await pingPong(beside, fenceBytes);
    };
    return { ...rig, client, server: await server.promise, fence };
  };

  async closeAll(): Promise<void> {
    for (const listener of this.#open.splice(0)) await listener.close(closeCodes.done, "test over");
  }
}
