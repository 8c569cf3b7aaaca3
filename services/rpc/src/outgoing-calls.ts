/**
 * Our questions: calls sent to the peer and what becomes of them.
 *
 *                      Return                        finish (at once, unless the caller holds it)
 *      ┌────────────── Return(noFinishNeeded), without capabilities ──────────────▶ gone (number free)
 *   waiting ─────────────────────────────▶ returned ─────────────────────────────▶ gone (number free)
 *      │                                              Finish(releaseResultCaps = false)
 *      │ cancel: Finish(releaseResultCaps = true)            Return
 *      └────────────────────────────────▶ canceled ──────────────────────────────▶ gone (number free)
 *
 * A number is used again only when both the Finish was sent and the Return came. What a Return brings after a cancel was
 * released by the peer when it read the Finish: it is not looked at.
 */
import { CallResults } from "./call-results.ts";
import { type CapTables, exportsIn } from "./cap-tables.ts";
import { PipelineTarget } from "./import-target.ts";
import { readException } from "./incoming-messages.ts";
import { releaseUnsent, writeParams } from "./local-target.ts";
import type { MessageReader, StructReader } from "./message/index.ts";
import { bootstrap, finish, startCall, writeCapTable } from "./outgoing-messages.ts";
import { type CallRoute, PendingCall } from "./pending-call.ts";
import { ProtocolError, RpcError } from "./rpc-error.ts";
import { payloadAt, returnAt, returnTag } from "./rpc-layout.ts";
import type { SessionLink } from "./session-link.ts";
import type { CallMethod, CallOptions, CallParams, Peer, PromisedTarget, WireTarget } from "./target.ts";

export type OutgoingCallsStart = {
  readonly link: SessionLink;
  readonly peer: Peer;
  readonly capTables: CapTables;
  /** Makes `call` return what an answer of ours will, for a peer that passed our own call back to us. */
  readonly takeAnswer: (questionId: number, call: PendingCall) => void;
};

export class OutgoingCalls {
  readonly #start: OutgoingCallsStart;
  readonly #questions: (Question | undefined)[] = [];
  readonly #freeIds: number[] = [];
  #size = 0;

  constructor(start: OutgoingCallsStart) {
    this.#start = start;
  }

  /** Questions whose number is in use. */
  get size(): number {
    return this.#size;
  }

  call(to: WireTarget, call: { method: CallMethod; params: CallParams }, options: CallOptions): PendingCall {
    const refused = this.#refusal();
    if (refused !== undefined) return PendingCall.failed(refused);
    const { link, capTables } = this.#start;
    const question = this.#add(options);
    const { interfaceId, ordinal } = call.method;
    const header = { questionId: question.id, to, interfaceId, methodId: ordinal };
    const message = startCall(header, link.limits.messageBytesMax);
    try {
      writeParams(message, call.method, call.params);
      const dead = link.dead();
      if (dead !== undefined) throw dead; // by what the parameters' writer did
      if (message.builder.capTable.length > 0) {
        const descriptors = capTables.describe(message.builder.capTable, "call");
        question.paramExports = exportsIn(descriptors);
        writeCapTable(message.payload, descriptors);
      }
      link.send(message.builder.toFrame());
    } catch (error) {
      capTables.releaseExports(question.paramExports);
      releaseUnsent(message.builder.capTable);
      this.remove(question);
      return PendingCall.failed(error);
    }
    return question.pending;
  }

  /** The call whose result, as a whole, is the peer's bootstrap capability. */
  bootstrap(): PendingCall {
    const refused = this.#refusal();
    if (refused !== undefined) return PendingCall.failed(refused);
    const question = this.#add({ holdFinish: false });
    this.#start.link.send(bootstrap(question.id));
    return question.pending;
  }

  onReturn(message: MessageReader, body: StructReader): void {
    const question = this.#questions[body.getUint32(returnAt.answerId)];
    if (question === undefined || question.state === "returned") {
      throw new ProtocolError(`a Return for question ${body.getUint32(returnAt.answerId)}, which was not asked`);
    }
    const { capTables } = this.#start;
    if (!body.getBool(returnAt.keepParamCapsBit)) capTables.releaseExports(question.paramExports);
    question.paramExports = [];
    if (question.state === "canceled") return this.remove(question);
    question.state = "returned";
    this.#settle(question, message, body);
    if (body.getBool(returnAt.noFinishNeededBit) && message.capTable.length === 0) return question.finishedByPeer();
    // After the pipelines were settled: a Disembargo names the question and must come before its Finish.
    if (!question.options.holdFinish) question.finish();
  }

  #settle(question: Question, message: MessageReader, body: StructReader): void {
    const { pending } = question;
    switch (body.getUint16(returnAt.tag)) {
      case returnTag.results: {
        const payload = body.getStruct(returnAt.body);
        const capabilities = this.#start.capTables.adopt(payload);
        message.capTable = capabilities;
        return pending.returned(new CallResults(payload.getPointer(payloadAt.content), capabilities));
      }
      case returnTag.exception:
        return pending.fail(readException(body.getStruct(returnAt.body)));
      case returnTag.canceled:
        return pending.fail(new RpcError("failed", "the peer canceled the call"));
      case returnTag.takeFromOtherQuestion:
        return this.#start.takeAnswer(body.getUint32(returnAt.takeFromOtherQuestion), pending);
      default:
        // resultsSentElsewhere is an answer only to what we never ask for, a third party is of level 3.
        throw new ProtocolError("a Return of a kind that was not asked for");
    }
  }

  /** The session is over: every call that waits fails. */
  failAll(error: RpcError): void {
    const questions = this.#questions.splice(0);
    this.#freeIds.length = 0;
    this.#size = 0;
    for (const question of questions) question?.pending.fail(error);
  }

  pipeline(question: Question, path: readonly number[]): PromisedTarget {
    return new PipelineTarget(this.#start.peer, { questionId: question.id, path });
  }

  remove(question: Question): void {
    if (this.#questions[question.id] !== question) return;
    this.#questions[question.id] = undefined;
    this.#freeIds.push(question.id);
    this.#size--;
  }

  sendFinish(question: Question, releaseResultCaps: boolean): void {
    this.#start.link.send(finish(question.id, releaseResultCaps));
    if (question.state === "returned") this.remove(question);
  }

  #refusal(): RpcError | undefined {
    const { link } = this.#start;
    const { limits } = link;
    const dead = link.dead();
    if (dead !== undefined) return dead;
    if (this.#size >= limits.questionsMax) {
      return new RpcError("overloaded", `more than ${limits.questionsMax} calls without an answer`);
    }
    // Half of what ends the session: the rest is for answers, which cannot be refused.
    if (link.outBytes() > limits.outBytesMax / 2) {
      return new RpcError("overloaded", `more than ${limits.outBytesMax / 2} bytes wait for a peer that does not read`);
    }
    return undefined;
  }

  #add(options: CallOptions): Question {
    const id = this.#freeIds.pop() ?? this.#questions.length;
    const question = new Question(id, options, this);
    this.#questions[id] = question;
    this.#size++;
    return question;
  }
}

class Question implements CallRoute {
  readonly id: number;
  readonly options: CallOptions;
  readonly pending: PendingCall = new PendingCall(this);
  state: "waiting" | "returned" | "canceled" = "waiting";
  /** Exports whose references the peer got with the parameters and may give back with the Return. */
  paramExports: readonly number[] = [];
  readonly #calls: OutgoingCalls;
  #isFinished = false;

  constructor(id: number, options: CallOptions, calls: OutgoingCalls) {
    this.id = id;
    this.options = options;
    this.#calls = calls;
  }

  cancel(): void {
    this.state = "canceled";
    this.#finish(true);
  }

  finish(): void {
    if (this.state === "returned") this.#finish(false);
  }

  /** The peer has let its answer go. */
  finishedByPeer(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#calls.remove(this);
  }

  pipeline(path: readonly number[]): PromisedTarget {
    return this.#calls.pipeline(this, path);
  }

  #finish(releaseResultCaps: boolean): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#calls.sendFinish(this, releaseResultCaps);
  }
}
