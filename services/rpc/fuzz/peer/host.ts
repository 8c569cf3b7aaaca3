/** The objects of one side: TestPeer and what it gives out, safe to be called with anything. */
import { Capability, type IncomingCall, MethodTable, RpcError } from "../../src/index.ts";
import type { StructBuilder, StructReader } from "../../src/message/index.ts";
import { Session, TestPeer, Watcher } from "../../testing/test-peer.ts";
import { Held } from "../held.ts";
import type { Objects } from "../objects.ts";

/** A peer asks for any number of callbacks. */
const callbacksMax = 4;

export class Host {
  readonly bootstrap: ReturnType<Objects["add"]>;
  /** Calls of `never` that wait for their signal. */
  unaborted = 0;
  readonly #objects: Objects;
  readonly #held = new Held<Disposable>();
  readonly #gate = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #kept: Capability | undefined;

  constructor(objects: Objects) {
    this.#objects = objects;
    this.bootstrap = objects.add("the bootstrap object", this.#testPeer());
  }

  openGate(): void {
    this.#gate.resolve();
  }

  /** Another object of the bootstrap object's kind. */
  peer(): ReturnType<Objects["add"]> {
    return this.#objects.add("a peer", this.#testPeer());
  }

  watcher(): ReturnType<Objects["add"]> {
    const table = new MethodTable().method(Watcher.notify, (params) => void params.getUint32(0));
    return this.#objects.add("a watcher", table);
  }

  /** Every handler ends. */
  end(): void {
    this.#gate.resolve();
    this.#ended.resolve();
  }

  letGo(): void {
    this.#kept?.[Symbol.dispose]();
    this.#held.letGo();
  }

  #testPeer(): MethodTable {
    const opened = this.#gate.promise;
    return new MethodTable()
      .method(TestPeer.echo, (params, results) => results.setData(0, params.getData(0)))
      .method(TestPeer.echoItems, (params, results) => results.getPointer(0).copyFrom(params.getPointer(0)))
      .method(TestPeer.fail, (params) => {
        throw new RpcError("overloaded", params.getText(0));
      })
      .method(TestPeer.never, (_params, _results, call) => this.#never(call))
      .method(TestPeer.login, (params, results) => results.setCapability(0, this.#session(params)))
      .method(TestPeer.slowLogin, async (params, results) => {
        await opened;
        results.setCapability(0, this.#session(params));
      })
      .method(TestPeer.openGate, () => this.#gate.resolve())
      .method(TestPeer.watch, (params, results) => this.#watch(params, results))
      .method(TestPeer.reflect, (params, results) => results.setCapability(0, params.getCapability(0)))
      .method(TestPeer.slowReflect, async (params, results) => {
        await opened;
        results.setCapability(0, params.getCapability(0));
      })
      .method(TestPeer.promiseReflect, (params, results) => {
        // what a call of ours will answer: exported before it is there
        const answer = this.#held.add(given(params).call(TestPeer.login, () => {}));
        results.setCapability(0, this.#held.add(answer.pipeline(0)));
      })
      .method(TestPeer.tailEcho, async (params, results) => {
        using answer = given(params).call(TestPeer.echo, (p) => p.setData(0, params.getData(1)));
        results.setData(0, (await answer).getData(0));
      })
      .method(TestPeer.keep, (params) => {
        this.#kept?.[Symbol.dispose]();
        this.#kept = given(params).dup();
      })
      .method(TestPeer.notifyKept, async (params) => {
        using answer = this.#kept?.call(Watcher.notify, (p) => p.setUint32(0, params.getUint32(0)));
        await answer;
      })
      .method(TestPeer.dropKept, () => this.#kept?.[Symbol.dispose]());
  }

  #session(params: StructReader): ReturnType<Objects["add"]> {
    const user = params.getText(0);
    const table = new MethodTable().method(Session.whoami, (_params, results) => results.setText(0, user));
    return this.#objects.add("a session", table);
  }

  async #never(call: IncomingCall): Promise<void> {
    this.unaborted++;
    const aborted = new Promise<void>((resolve) => {
      call.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([aborted, this.#ended.promise]);
    this.unaborted--;
  }

  async #watch(params: StructReader, results: StructBuilder): Promise<void> {
    const watcher = given(params);
    const count = Math.min(params.getUint32(0), callbacksMax);
    using made = new DisposableStack();
    const answers = Array.from({ length: count }, (_, n) =>
      made.use(watcher.call(Watcher.notify, (p) => p.setUint32(0, n))),
    );
    await Promise.all(answers);
    results.setUint32(0, count);
  }
}

function given(params: StructReader): Capability {
  const capability = params.getCapability(0);
  if (capability instanceof Capability) return capability;
  throw new RpcError("failed", "no capability was given");
}
