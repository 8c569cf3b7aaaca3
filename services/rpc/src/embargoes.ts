/**
 * Disembargo, both ways. Ours: calls that must not overtake others wait until the Disembargo sent after those others has
 * come round. The peer's: its Disembargo goes back the way its calls went.
 */
import { ImportTarget } from "./import-target.ts";
import { readTarget } from "./incoming-messages.ts";
import { recordCall } from "./local-target.ts";
import type { StructReader } from "./message/index.ts";
import { disembargo } from "./outgoing-messages.ts";
import { BrokenTarget } from "./pending-call.ts";
import { type QueueBudget, QueueTarget } from "./queue-target.ts";
import { ProtocolError, type RpcError } from "./rpc-error.ts";
import { disembargoAt, disembargoTag } from "./rpc-layout.ts";
import type { SessionLink } from "./session-link.ts";
import type { Peer, Target, WireTarget } from "./target.ts";

export type EmbargoesStart = {
  readonly link: SessionLink;
  readonly peer: Peer;
  /** What the peer means by a target. Throws ProtocolError when it holds no such thing. */
  readonly targetOf: (to: WireTarget) => Target;
};

type Embargo = { readonly queue: QueueTarget; readonly target: Target };

export class Embargoes {
  readonly #start: EmbargoesStart;
  readonly #embargoes = new Map<number, Embargo>();
  readonly #budget: QueueBudget;
  #nextId = 0;

  constructor(start: EmbargoesStart) {
    this.#start = start;
    this.#budget = { usedCalls: 0, callsMax: start.link.limits.queuedCallsMax };
  }

  /** Holds calls to `target` back until those sent to `to` before have arrived there. */
  begin(to: WireTarget, target: Target): Target {
    const { link } = this.#start;
    const dead = link.dead();
    if (dead !== undefined) return new BrokenTarget(dead);
    const queue = new QueueTarget({ budget: this.#budget, record: recordCall });
    const id = this.#nextId++;
    target.retain();
    this.#embargoes.set(id, { queue, target });
    link.send(disembargo("senderLoopback", id, to));
    return queue;
  }

  /** False: of a kind only a higher level of the protocol has. */
  onDisembargo(body: StructReader): boolean {
    const id = body.getUint32(disembargoAt.embargoId);
    switch (body.getUint16(disembargoAt.tag)) {
      case disembargoTag.senderLoopback:
        this.#sendBack(id, body.getStruct(disembargoAt.target));
        return true;
      case disembargoTag.receiverLoopback:
        this.#end(id);
        return true;
      default:
        return false;
    }
  }

  /** The session is over: what waits will not be let through, the order of calls before is not known any more. */
  failAll(error: RpcError): void {
    const embargoes = [...this.#embargoes.values()];
    this.#embargoes.clear();
    for (const { queue, target } of embargoes) {
      queue.settle(new BrokenTarget(error));
      target.release();
    }
  }

  /** Calls that came for the target before this message have been sent back already: forwarding does not wait. */
  #sendBack(id: number, target: StructReader): void {
    const { link, peer, targetOf } = this.#start;
    const means = targetOf(readTarget(target, link.limits.pipelineDepthMax));
    if (!(means instanceof ImportTarget) || means.peer !== peer) {
      throw new ProtocolError("a Disembargo for what does not lead back to its sender");
    }
    link.send(disembargo("receiverLoopback", id, { importId: means.importId }));
  }

  #end(id: number): void {
    const embargo = this.#embargoes.get(id);
    if (embargo === undefined) throw new ProtocolError(`embargo ${id} does not exist`);
    this.#embargoes.delete(id);
    embargo.queue.settle(embargo.target);
    embargo.target.release();
  }
}
