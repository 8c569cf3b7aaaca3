/** A session with a TestPeer of its own, which also calls the other side's: host and caller in one. */
import { type Capability, RpcSession, type RpcSessionOptions } from "../../src/index.ts";
import { MessageError, type StructBuilder, type StructReader } from "../../src/message/index.ts";
import { TestPeer, type UntypedMethod } from "../../testing/test-peer.ts";
import { FedStream } from "../fed-stream.ts";
import { Finding } from "../finding.ts";
import { Held } from "../held.ts";
import { Objects } from "../objects.ts";
import { OwnCalls } from "../own-calls.ts";
import type { World } from "../target.ts";
import { acts } from "./acts.ts";
import { Host } from "./host.ts";

/** A call with nothing large in it, and the Finish and Releases that belong to it. */
const bytesPerAct = 4_096;

export class PeerWorld implements World {
  readonly stream = new FedStream();
  readonly session: RpcSession;
  readonly host: Host;
  readonly calls = new OwnCalls<StructReader>(isNoCapability);
  readonly held = new Held<Capability>();
  readonly objects = new Objects(this.stream);
  /** Promises of `writable` that have not resolved. */
  waiting = 0;
  ownBytes = 0;
  #unaborted = 0;

  constructor(options: RpcSessionOptions) {
    this.host = new Host(this.objects);
    this.session = new RpcSession(this.stream, { bootstrap: this.host.bootstrap, ...options });
  }

  act(name: string, a: number, b: number): void {
    this.ownBytes += bytesPerAct;
    acts[name]?.(this, a, b);
  }

  /** On a capability it holds; nothing happens when it holds none. */
  call(on: number, method: UntypedMethod, options: CallOptions): void {
    const { fill, ...settings } = options;
    const capability = this.held.at(on);
    if (capability !== undefined) this.calls.add(method.name, capability.call(method, fill, settings), readAll);
  }

  /** What a call passes on: a capability it holds, or an object of its own. */
  passed(index: number): unknown {
    const known = this.held.at(index);
    return index % 3 === 0 || known === undefined ? this.host.watcher() : known;
  }

  endHandlers(): void {
    // those that its own side called wait on: their caller is there
    this.#unaborted = this.host.unaborted - this.calls.unsettled(TestPeer.never.name);
    this.host.end();
  }

  checkCalls(): void {
    if (this.#unaborted > 0) throw new Finding("leak", "the session ended, and a handler's signal did not abort");
    this.calls.check();
    if (this.waiting > 0) throw new Finding("hanging-call", "a promise of `writable` has not resolved");
  }

  letGo(): void {
    this.calls.letGo();
    this.held.letGo();
    this.host.letGo();
  }

  check(): void {
    this.objects.check();
  }
}

export type CallOptions = {
  readonly fill: (params: StructBuilder) => void;
  readonly holdFinish?: boolean;
  readonly signal?: AbortSignal;
};

function isNoCapability(error: unknown): boolean {
  return error instanceof TypeError && error.message.startsWith("a capability field takes");
}

/** All that a caller may look for in results, whatever there is. */
function readAll(results: StructReader): void {
  results.getUint32(0);
  for (const read of [
    () => results.getData(0),
    () => results.getText(0),
    () => results.getCapability(0),
    () => results.getCapability(1),
    () => [...results.getCapabilityList(0)],
  ]) {
    try {
      read();
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
    }
  }
}
