/**
 * The interface of these tests (interop/peer.capnp), its methods described by hand, and a server of it. By hand, so that
 * this package's tests need no generated code.
 */
import {
  type Capability,
  type CapabilityServer,
  type IncomingCall,
  MethodTable,
  RpcError,
  type RpcSession,
  serve,
} from "../src/index.ts";
import { type Method, StructBuilder, StructReader, type StructType } from "../src/message/index.ts";
import { exceptionTypes } from "../src/rpc-error.ts";

export type Untyped = StructType<StructReader, StructBuilder>;
export type UntypedMethod = Method<StructReader, StructBuilder, StructReader, StructBuilder>;

export function struct(dataWords: number, pointerWords: number): Untyped {
  return { name: "untyped", dataWords, pointerWords, Reader: StructReader, Builder: StructBuilder };
}

const nothing = struct(0, 0);
const onePointer = struct(0, 1);
const oneWord = struct(1, 0);

function method(interfaceId: bigint, ordinal: number, shape: { params: Untyped; results: Untyped }): UntypedMethod {
  return { interfaceId, ordinal, name: `${interfaceId.toString(16)}.${ordinal}`, ...shape };
}

const testPeerId = 0xe1a2b3c4d5e6f701n;
const pointerToPointer = { params: onePointer, results: onePointer };
const nothingToNothing = { params: nothing, results: nothing };

export const TestPeer = {
  echo: method(testPeerId, 0, pointerToPointer),
  fail: method(testPeerId, 1, { params: onePointer, results: nothing }),
  never: method(testPeerId, 2, nothingToNothing),
  login: method(testPeerId, 3, pointerToPointer),
  slowLogin: method(testPeerId, 4, pointerToPointer),
  openGate: method(testPeerId, 5, nothingToNothing),
  watch: method(testPeerId, 6, { params: struct(1, 1), results: oneWord }),
  reflect: method(testPeerId, 7, pointerToPointer),
  counts: method(testPeerId, 8, { params: nothing, results: struct(2, 0) }),
  sequence: method(testPeerId, 9, { params: oneWord, results: nothing }),
  slowReflect: method(testPeerId, 10, pointerToPointer),
  missing: method(testPeerId, 11, nothingToNothing),
  promiseReflect: method(testPeerId, 12, pointerToPointer),
  tailEcho: method(testPeerId, 13, { params: struct(0, 2), results: onePointer }),
  keep: method(testPeerId, 14, { params: onePointer, results: nothing }),
  notifyKept: method(testPeerId, 15, { params: oneWord, results: nothing }),
  dropKept: method(testPeerId, 16, nothingToNothing),
  failLogin: method(testPeerId, 17, pointerToPointer),
  echoItems: method(testPeerId, 18, pointerToPointer),
  failAs: method(testPeerId, 19, { params: struct(1, 1), results: nothing }),
  adminLogin: method(testPeerId, 20, pointerToPointer),
  hangUp: method(testPeerId, 21, nothingToNothing),
} as const;
/** n @0, text @1, data @2, items @3 */
export const Item: Untyped = struct(1, 3);
export const Session = {
  whoami: method(0xe1a2b3c4d5e6f702n, 0, { params: nothing, results: onePointer }),
} as const;
export const AdminSession = {
  ...Session,
  kick: method(0xe1a2b3c4d5e6f704n, 0, { params: onePointer, results: onePointer }),
} as const;
export const Watcher = {
  notify: method(0xe1a2b3c4d5e6f703n, 0, { params: oneWord, results: nothing }),
} as const;

/** A promise that is kept when somebody opens the gate. */
class Gate {
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
  /** What it is served to: counted in `counts`, closed by `hangUp`. */
  session: RpcSession | undefined;
  readonly server: CapabilityServer;

  constructor() {
    this.server = new MethodTable()
      .method(TestPeer.echo, (params, results) => results.setData(0, params.getData(0)))
      .method(TestPeer.fail, (params) => {
        throw new RpcError("overloaded", params.getText(0));
      })
      .method(TestPeer.failAs, (params) => {
        throw new RpcError(exceptionTypes[params.getUint16(0)] ?? "failed", params.getText(0));
      })
      .method(TestPeer.never, (_params, _results, call) => this.#never(call))
      .method(TestPeer.login, (params, results) => results.setCapability(0, this.#session(params.getText(0))))
      .method(TestPeer.adminLogin, (params, results) => results.setCapability(0, this.#admin(params.getText(0))))
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
        results.setUint32(8, this.session?.counts.exports ?? 0);
      })
      .method(TestPeer.sequence, (params) => {
        const n = params.getUint32(0);
        if (n !== this.last + 1) throw new RpcError("failed", `${n} came after ${this.last}`);
        this.last = n;
      })
      .method(TestPeer.slowReflect, async (params, results) => {
        await this.gate.opened;
        results.setCapability(0, params.getCapability(0));
      })
      .method(TestPeer.promiseReflect, (params, results, call) => {
        using self = serve(this.server);
        const watcher = params.getCapability(0);
        const later = self.call(TestPeer.slowReflect, (p) => p.setCapability(0, watcher));
        const promise = later.pipeline(0);
        results.setCapability(0, promise);
        call.onFinished(() => promise[Symbol.dispose]());
      })
      .method(TestPeer.echoItems, (params, results) => results.getPointer(0).copyFrom(params.getPointer(0)))
      .method(TestPeer.hangUp, () => this.session?.close())
      .method(TestPeer.tailEcho, async (params, results) => {
        const peer = params.getCapability(0) as Capability;
        const echoed = await peer.call(TestPeer.echo, (p) => p.setData(0, params.getData(1)));
        results.setData(0, echoed.getData(0));
      })
      .method(TestPeer.keep, (params) => {
        this.kept = (params.getCapability(0) as Capability).dup();
      })
      .method(TestPeer.notifyKept, async (params) => {
        await this.kept?.call(Watcher.notify, (p) => p.setUint32(0, params.getUint32(0)));
      })
      .method(TestPeer.dropKept, () => this.kept?.[Symbol.dispose]());
  }

  async #never(call: IncomingCall): Promise<void> {
    this.calls.push(call);
    await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve(), { once: true }));
    this.canceled++;
  }

  #session(user: string): MethodTable {
    this.sessions++;
    return new MethodTable({ onDispose: () => this.sessions-- }).method(Session.whoami, (_params, results) =>
      results.setText(0, user),
    );
  }

  #admin(user: string): CapabilityServer {
    return this.#session(user).method(AdminSession.kick, (params, results) =>
      results.setText(0, `${user} without ${params.getText(0)}`),
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
