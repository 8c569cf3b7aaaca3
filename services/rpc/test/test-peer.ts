/**
 * The interface of these tests (interop/peer.capnp), its methods described by hand, and a server of it. By hand, so that
 * this package's tests need no generated code.
 */
import { type Capability, type CapabilityServer, type IncomingCall, MethodTable, RpcError } from "../src/index.ts";
import { type Method, StructBuilder, StructReader, type StructType } from "../src/message/index.ts";

export type Untyped = StructType<StructReader, StructBuilder>;
export type UntypedMethod = Method<StructReader, StructBuilder, StructReader, StructBuilder>;

export function struct(dataWords: number, pointerWords: number): Untyped {
  return { name: "untyped", dataWords, pointerWords, Reader: StructReader, Builder: StructBuilder };
}

const nothing = struct(0, 0);
const onePointer = struct(0, 1);
const oneWord = struct(1, 0);

function methodsOf<Name extends string>(
  interfaceId: bigint,
  rows: Record<Name, readonly [ordinal: number, params: Untyped, results: Untyped]>,
): Record<Name, UntypedMethod> {
  const entries = Object.entries(rows) as [Name, readonly [number, Untyped, Untyped]][];
  return Object.fromEntries(
    entries.map(([name, [ordinal, params, results]]) => [name, { interfaceId, ordinal, name, params, results }]),
  ) as Record<Name, UntypedMethod>;
}

export const TestPeer = methodsOf(0xe1a2b3c4d5e6f701n, {
  echo: [0, onePointer, onePointer],
  fail: [1, onePointer, nothing],
  never: [2, nothing, nothing],
  login: [3, onePointer, onePointer],
  slowLogin: [4, onePointer, onePointer],
  openGate: [5, nothing, nothing],
  watch: [6, struct(1, 1), oneWord],
  reflect: [7, onePointer, onePointer],
  counts: [8, nothing, oneWord],
  sequence: [9, oneWord, nothing],
  slowReflect: [10, onePointer, onePointer],
  missing: [11, nothing, nothing],
});
export const Session = methodsOf(0xe1a2b3c4d5e6f702n, { whoami: [0, nothing, onePointer] });
export const Watcher = methodsOf(0xe1a2b3c4d5e6f703n, { notify: [0, oneWord, nothing] });

/** A promise that is kept when somebody opens the gate. */
export class Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.opened = promise;
    this.open = resolve;
  }
}

/** What the server saw, for tests to look at. */
export class TestServer {
  canceled = 0;
  sessions = 0;
  last = 0;
  gate = new Gate();
  /** Kept beyond the call that brought it. */
  kept: Capability | undefined;
  readonly calls: IncomingCall[] = [];
  readonly server: CapabilityServer;

  constructor() {
    this.server = new MethodTable()
      .method(TestPeer.echo, (params, results) => results.setData(0, params.getData(0)))
      .method(TestPeer.fail, (params) => {
        throw new RpcError("failed", params.getText(0));
      })
      .method(TestPeer.never, (_params, _results, call) => this.#never(call))
      .method(TestPeer.login, (params, results) => results.setCapability(0, this.#session(params.getText(0))))
      .method(TestPeer.slowLogin, async (params, results) => {
        await this.gate.opened;
        results.setCapability(0, this.#session(params.getText(0)));
      })
      .method(TestPeer.openGate, () => this.gate.open())
      .method(TestPeer.watch, (params, results) => this.#watch(params, results))
      .method(TestPeer.reflect, (params, results) => results.setCapability(0, params.getCapability(0)))
      .method(TestPeer.counts, (_params, results) => {
        results.setUint32(0, this.canceled);
        results.setUint32(4, this.sessions);
      })
      .method(TestPeer.sequence, (params) => {
        const n = params.getUint32(0);
        if (n !== this.last + 1) throw new RpcError("failed", `${n} came after ${this.last}`);
        this.last = n;
      })
      .method(TestPeer.slowReflect, async (params, results) => {
        await this.gate.opened;
        results.setCapability(0, params.getCapability(0));
      });
  }

  async #never(call: IncomingCall): Promise<void> {
    this.calls.push(call);
    await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve(), { once: true }));
    this.canceled++;
  }

  #session(user: string): CapabilityServer {
    this.sessions++;
    return new MethodTable({ onDispose: () => this.sessions-- }).method(Session.whoami, (_params, results) =>
      results.setText(0, user),
    );
  }

  async #watch(params: StructReader, results: StructBuilder): Promise<void> {
    const watcher = params.getCapability(0) as Capability;
    const count = params.getUint32(0);
    const answers = Array.from({ length: count }, (_, n) => watcher.call(Watcher.notify, (p) => p.setUint32(0, n)));
    await Promise.all(answers);
    results.setUint32(0, count);
  }
}

/** A watcher that remembers what it was told. */
export class TestWatcher {
  readonly seen: number[] = [];
  disposals = 0;
  readonly server: CapabilityServer;

  constructor() {
    this.server = new MethodTable({ onDispose: () => this.disposals++ }).method(Watcher.notify, (params) => {
      this.seen.push(params.getUint32(0));
    });
  }
}
