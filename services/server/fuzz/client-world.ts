/** The client's side of NodeService: a session that calls, and whose answers and callbacks may be anything. */
import { type MethodCodec, QpqError, sinkCodecs } from "quicproquo-proto";
import { type Answer, type Capability, MethodTable, RpcSession } from "quicproquo-rpc";
import { FedStream, Held, Objects, OwnCalls, type World } from "quicproquo-rpc/fuzz";
import { acts } from "./acts.ts";

/** The largest request that an act makes, and what belongs to it. */
const bytesPerAct = 4_096;

export class ClientWorld implements World {
  readonly stream = new FedStream();
  readonly session = new RpcSession(this.stream);
  readonly calls = new OwnCalls<unknown>((error) => error instanceof QpqError);
  readonly sessions = new Held<Capability>();
  readonly inboxes = new Held<Capability>();
  readonly #objects = new Objects(this.stream);
  readonly service = this.session.bootstrap();
  readonly #held = Promise.withResolvers<void>();
  ownBytes = bytesPerAct;

  act(name: string, a: number, b: number): void {
    this.ownBytes += bytesPerAct;
    acts[name]?.(this, a, b);
  }

  /** On a capability that the service gave out; nothing happens when there is none. `params`: made when they are sent. */
  call<P, R, PR, PB, RR, RB>(
    on: Capability | undefined,
    codec: MethodCodec<P, R, PR, PB, RR, RB>,
    { params, ...settings }: { readonly params: () => P; readonly holdFinish?: boolean },
  ): Answer<RR> | undefined {
    const answer = on?.call(codec.method, (builder) => codec.encodeParams(params(), builder), settings);
    if (answer !== undefined) {
      this.calls.add(codec.method.name, answer, (results) => void codec.decodeResults(results as RR));
    }
    return answer;
  }

  /** Takes what it is given at once, or not before the end. */
  sink(isSlow: boolean): unknown {
    const table = new MethodTable()
      .method(sinkCodecs.deliver.method, async (params) => {
        sinkCodecs.deliver.decodeParams(params);
        if (isSlow) await this.#held.promise;
      })
      .method(sinkCodecs.end.method, (params) => void sinkCodecs.end.decodeParams(params));
    return this.#objects.add("a sink", table);
  }

  endHandlers(): void {
    this.#held.resolve();
  }

  checkCalls(): void {
    this.calls.check();
  }

  letGo(): void {
    this.calls.letGo();
    this.sessions.letGo();
    this.inboxes.letGo();
    this.service[Symbol.dispose]();
  }

  check(): void {
    this.#objects.check();
  }
}
