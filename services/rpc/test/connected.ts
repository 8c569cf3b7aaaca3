/** A client and a server session on one pipe. */
import { type Capability, RpcSession, type RpcSessionOptions } from "../src/index.ts";
import { type PipeEnd, type PipeOptions, pipe } from "./pipe.ts";
import { TestServer } from "../testing/test-peer.ts";

export { turn, until } from "../testing/until.ts";

export type Connected = {
  readonly host: TestServer;
  readonly client: RpcSession;
  readonly server: RpcSession;
  /** The client's bootstrap capability. */
  readonly peer: Capability;
  /** What the client and the server write to. */
  readonly clientEnd: PipeEnd;
  readonly serverEnd: PipeEnd;
};

export type ConnectedOptions = PipeOptions & {
  readonly client?: RpcSessionOptions;
  readonly server?: RpcSessionOptions;
};

export function connected(options: ConnectedOptions = {}): Connected {
  const [clientEnd, serverEnd] = pipe(options);
  const host = new TestServer();
  const server = new RpcSession(serverEnd, { bootstrap: host.server, ...options.server });
  const client = new RpcSession(clientEnd, options.client);
  return { host, client, server, peer: client.bootstrap(), clientEnd, serverEnd };
}

export const emptyTables = { questions: 0, answers: 0, imports: 0, exports: 0, queuedCalls: 0 };
export const onlyBootstrap = { ...emptyTables, imports: 1 };
