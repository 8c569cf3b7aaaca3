/** A C++ server, connections of ours to it, and what it counts. */
import type { RpcByteStream } from "../src/byte-stream.ts";
import { type Capability, RpcSession } from "../src/index.ts";
import { CppPeer, type CppServer } from "./cpp-peer.ts";
import { FrameGate } from "./frame-gate.ts";
import { TestPeer } from "./test-peer.ts";
import { until } from "./until.ts";

/** A stream to whoever listens at a TCP port of 127.0.0.1. */
export type Connect = (port: number) => Promise<AsyncDisposable & { readonly stream: RpcByteStream }>;

export type Connected = AsyncDisposable & {
  readonly session: RpcSession;
  /** The server's object for this connection. */
  readonly peer: Capability;
  readonly gate: FrameGate;
};

export class CppServerRig implements AsyncDisposable {
  readonly #connect: Connect;
  #peer: CppPeer | undefined;
  #server: CppServer | undefined;

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  async start(): Promise<void> {
    this.#peer = await CppPeer.build();
    this.#server = await this.#peer.startServer();
  }

  /** To start servers of a test's own. */
  get cpp(): CppPeer {
    return this.#peer as CppPeer;
  }

  async connected(port?: number): Promise<Connected> {
    const link = await this.#connect(port ?? (this.#server as CppServer).port);
    const gate = new FrameGate(link.stream);
    const session = new RpcSession(gate);
    return {
      session,
      peer: session.bootstrap(),
      gate,
      async [Symbol.asyncDispose]() {
        session.close();
        await link[Symbol.asyncDispose]();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }
}

export const noFill = (): void => {};
export const onlyBootstrap = { questions: 0, answers: 0, imports: 1, exports: 0, queuedCalls: 0 };

/** Of the whole process. */
type Counts = { readonly canceled: number; readonly sessions: number };

export async function counts(peer: Capability): Promise<Counts> {
  const results = await peer.call(TestPeer.counts, noFill);
  return { canceled: results.getUint32(0), sessions: results.getUint32(4) };
}

export async function countsReach(peer: Capability, holds: (now: Counts) => boolean): Promise<void> {
  let now = await counts(peer);
  await until(
    () => holds(now),
    async () => {
      now = await counts(peer);
    },
  );
}
