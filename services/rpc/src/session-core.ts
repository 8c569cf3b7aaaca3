/**
 * The protocol of one session without its stream: the tables, and what each message does to them. Gives each frame to
 * the table it is for; throws MessageError or ProtocolError when the peer broke the rules. Nothing is awaited: when
 * `onFrame` comes back the message has had its effect.
 */
import type { Capability } from "./capability.ts";
import { CapTables } from "./cap-tables.ts";
import { Embargoes } from "./embargoes.ts";
import type { ImportTarget } from "./import-target.ts";
import { IncomingCalls } from "./incoming-calls.ts";
import { readException } from "./incoming-messages.ts";
import { MessageReader } from "./message/index.ts";
import { OutgoingCalls } from "./outgoing-calls.ts";
import { unimplemented } from "./outgoing-messages.ts";
import type { PendingCall } from "./pending-call.ts";
import { ProtocolError, RpcError, type RpcException } from "./rpc-error.ts";
import { messageTag } from "./rpc-layout.ts";
import type { SessionLink } from "./session-link.ts";
import { SessionPeer } from "./session-peer.ts";
import type { CallMethod, CallOptions, CallParams, Peer, Target, WireTarget } from "./target.ts";

export type SessionCoreStart = {
  readonly link: SessionLink;
  readonly bootstrap: Capability | undefined;
  readonly exceptionOf: (error: unknown) => RpcException;
  /** The peer sent an Abort: the session is over without an answer. */
  readonly onAbort: (error: RpcError) => void;
};

export class SessionCore implements Peer {
  readonly capTables: CapTables;
  readonly incoming: IncomingCalls;
  readonly outgoing: OutgoingCalls;
  readonly #embargoes: Embargoes;
  readonly #peer: SessionPeer;
  readonly #start: SessionCoreStart;

  constructor(start: SessionCoreStart) {
    const { link, bootstrap, exceptionOf } = start;
    this.#start = start;
    const peer = new SessionPeer(this);
    this.#peer = peer;
    const answerTarget = (questionId: number, path: readonly number[]): Target =>
      this.incoming.targetAt(questionId, path);
    this.capTables = new CapTables({ link, peer, answerTarget });
    this.incoming = new IncomingCalls({ link, capTables: this.capTables, bootstrap, exceptionOf });
    const takeAnswer = (questionId: number, call: PendingCall): void => this.incoming.take(questionId, call);
    this.outgoing = new OutgoingCalls({ link, peer, capTables: this.capTables, takeAnswer });
    const targetOf = (to: WireTarget): Target =>
      "importId" in to ? this.capTables.exports.get(to.importId) : this.incoming.targetAt(to.questionId, to.path);
    this.#embargoes = new Embargoes({ link, peer, targetOf });
  }

  onFrame(frame: Uint8Array): void {
    const message = MessageReader.parse(frame, this.#start.link.limits);
    const root = message.rootStruct;
    switch (root.getUint16(0)) {
      case messageTag.call:
        if (!this.incoming.onCall(message, root.getStruct(0))) this.#echo(message);
        return;
      case messageTag.return:
        return this.outgoing.onReturn(message, root.getStruct(0));
      case messageTag.finish:
        return this.incoming.onFinish(root.getStruct(0));
      case messageTag.release:
        return this.capTables.onRelease(root.getStruct(0));
      case messageTag.bootstrap:
        return this.incoming.onBootstrap(root.getStruct(0));
      case messageTag.resolve:
        return this.capTables.onResolve(root.getStruct(0));
      case messageTag.disembargo:
        if (!this.#embargoes.onDisembargo(root.getStruct(0))) this.#echo(message);
        return;
      case messageTag.abort: {
        const { type, reason } = readException(root.getStruct(0));
        return this.#start.onAbort(new RpcError("disconnected", `the peer aborted the session: ${type}: ${reason}`));
      }
      case messageTag.unimplemented:
        // All that is sent here belongs to level 1; a peer without it cannot be worked with.
        throw new ProtocolError("the peer does not implement a message that every peer must");
      default:
        this.#echo(message);
    }
  }

  /** The session is over: nothing that waits is left waiting. */
  end(error: RpcError): void {
    this.outgoing.failAll(error);
    this.#embargoes.failAll(error);
    this.incoming.disconnect(error);
    this.capTables.clear();
    this.#peer.end(error);
  }

  startCall(to: WireTarget, call: { method: CallMethod; params: CallParams }, options: CallOptions): PendingCall {
    return this.outgoing.call(to, call, options);
  }

  embargo(to: WireTarget, target: Target): Target {
    return this.#embargoes.begin(to, target);
  }

  dropImport(target: ImportTarget): void {
    this.capTables.dropImport(target);
  }

  #echo(message: MessageReader): void {
    this.#start.link.send(unimplemented(message));
  }
}
