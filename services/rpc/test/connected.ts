/** A client and a server session on one pipe, and the end of a turn. */
import { type Capability, RpcSession, type RpcSessionOptions } from "../src/index.ts";
import { type PipeEnd, type PipeOptions, pipe } from "./pipe.ts";
import { TestServer } from "../testing/test-peer.ts";

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

/**
 * Everything that was on its way has arrived: sessions and pipes work in microtasks only, and those are all done before
 * the next turn of the event loop.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Takes steps until the condition holds; fails after so many that it never will. */
export async function until(holds: () => boolean, step: () => Promise<unknown> = turn): Promise<void> {
  for (let round = 0; round < 2_000; round++) {
    if (holds()) return;
    await step();
  }
  throw new Error(`it never holds: ${holds}`);
}

export const emptyTables = { questions: 0, answers: 0, imports: 0, exports: 0, queuedCalls: 0 };
export const onlyBootstrap = { ...emptyTables, imports: 1 };
