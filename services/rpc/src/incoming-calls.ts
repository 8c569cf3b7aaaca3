/**
 * The peer's questions: takes calls in, bounds them, finds what they are meant for and keeps their answers until they
 * are finished (AnswerEntry has the states). Calls are delivered in the order they came, before the next message is read.
 */
import { AnswerEntry, type AnswerOwner } from "./answer-entry.ts";
import type { Capability } from "./capability.ts";
import type { CapTables } from "./cap-tables.ts";
import { readTarget } from "./incoming-messages.ts";
import type { MessageReader, StructReader } from "./message/index.ts";
import { startReturn } from "./outgoing-messages.ts";
import { BrokenTarget, type PendingCall } from "./pending-call.ts";
import type { QueueBudget } from "./queue-target.ts";
import { ProtocolError, RpcError, type RpcException } from "./rpc-error.ts";
import { bootstrapAt, callAt, finishAt, payloadAt, sendResultsTo } from "./rpc-layout.ts";
import { ServedCall } from "./served-call.ts";
import type { SessionLink } from "./session-link.ts";
import type { Target } from "./target.ts";

export type IncomingCallsStart = {
  readonly link: SessionLink;
  readonly capTables: CapTables;
  readonly bootstrap: Capability | undefined;
  readonly exceptionOf: (error: unknown) => RpcException;
};

/**
 * So many calls in flight may keep the chunks of the network alive that they came in; those beyond are copied out of them.
 * A copy costs 0.25 us, a twelfth of an echo, which calls that end at once never pay.
 */
const callsInChunksMax = 16;
const noAnswer = new RpcError("failed", "the answer that this was to be a part of is over, or there was none");

export class IncomingCalls implements AnswerOwner {
  readonly link: SessionLink;
  readonly capTables: CapTables;
  readonly queueBudget: QueueBudget;
  readonly #start: IncomingCallsStart;
  readonly #answers = new Map<number, AnswerEntry>();
  /** Finished by the peer while their handlers run on: others wait for their results, or they do not heed their signal. */
  readonly #canceled = new Set<AnswerEntry>();
  /** Calls whose handler has not ended, and the bytes of their messages. */
  #runningCalls = 0;
  #runningBytes = 0;
  #keptBytes = 0;
  readonly #steps: (() => void)[] = [];

  constructor(start: IncomingCallsStart) {
    this.#start = start;
    this.link = start.link;
    this.capTables = start.capTables;
    this.queueBudget = { usedCalls: 0, callsMax: start.link.limits.queuedCallsMax };
  }

  get size(): number {
    return this.#answers.size;
  }

  onBootstrap(body: StructReader): void {
    const questionId = body.getUint32(bootstrapAt.questionId);
    this.#requireFree(questionId);
    const entry = this.#add(questionId, false);
    const { bootstrap } = this.#start;
    if (bootstrap === undefined) return entry.refuse(new RpcError("failed", "there is no bootstrap capability here"));
    const message = startReturn(entry.id, this.link.limits.messageBytesMax);
    message.payload.setCapability(payloadAt.content, bootstrap);
    entry.returned(message);
  }

  /** False: the call asks for what only a higher level of the protocol has. */
  onCall(message: MessageReader, body: StructReader): boolean {
    const resultsTo = body.getUint16(callAt.sendResultsToTag);
    if (resultsTo !== sendResultsTo.caller && resultsTo !== sendResultsTo.yourself) return false;
    const questionId = body.getUint32(callAt.questionId);
    // First: behind it nothing may throw that has adopted capabilities.
    this.#requireFree(questionId);
    const frameBytes = message.byteLength;
    const refused = this.#refusal(frameBytes);
    // The target is looked up first: a call may be pipelined on an answer, but never on its own.
    const target = refused === undefined ? this.#target(body) : undefined;
    const capabilities = refused === undefined ? this.capTables.adopt(body.getStruct(callAt.params)) : [];
    const entry = this.#add(questionId, resultsTo === sendResultsTo.yourself);
    if (refused !== undefined || target === undefined) {
      entry.refuse(refused as RpcError);
      return true;
    }
    message.capTable = capabilities;
    if (this.#runningCalls >= callsInChunksMax) message.detach();
    const { messageBytesMax } = this.link.limits;
    const call = new ServedCall({
      call: body,
      frameBytes,
      capabilities,
      answerId: entry.id,
      messageBytesMax,
      sink: entry,
    });
    entry.served = call;
    this.#runningCalls++;
    this.#runningBytes += frameBytes;
    target.deliver(call);
    return true;
  }

  onFinish(body: StructReader): void {
    const id = body.getUint32(finishAt.questionId);
    const entry = this.#answers.get(id);
    // of an answer that needed none, by a peer that does not know of that, or whose cancellation crossed it
    if (entry === undefined) return;
    this.#answers.delete(id);
    entry.onFinish(!body.getBool(finishAt.keepResultCapsBit));
    if (entry.isRunning) this.#canceled.add(entry);
  }

  /** The capability at `path` of an answer; broken when there is no such answer, as it may have needed no Finish. */
  targetAt(questionId: number, path: readonly number[]): Target {
    return this.#answers.get(questionId)?.targetAt(path) ?? new BrokenTarget(noAnswer);
  }

  /** Makes a call of ours return what the peer's question does. Throws ProtocolError when that isn't redirected to us. */
  take(questionId: number, call: PendingCall): void {
    if (this.#answers.get(questionId)?.take(call) !== true)
      throw new ProtocolError(`the results of question ${questionId} are not ours`);
  }

  /** The session is over. */
  disconnect(error: RpcError): void {
    const answers = [...this.#answers.values(), ...this.#canceled];
    this.#answers.clear();
    this.#canceled.clear();
    for (const entry of answers) entry.onDisconnect(error);
  }

  exceptionOf(error: unknown): RpcException {
    return this.#start.exceptionOf(error);
  }

  forget(entry: AnswerEntry): void {
    this.#answers.delete(entry.id);
  }

  ended(entry: AnswerEntry, frameBytes: number): void {
    if (this.#canceled.size > 0) this.#canceled.delete(entry);
    this.#runningCalls--;
    this.#runningBytes -= frameBytes;
  }

  keep(bytes: number): void {
    this.#keptBytes += bytes;
  }

  inTurn(step: () => void): void {
    if (this.#steps.push(step) > 1) return;
    for (let next = this.#steps[0]; next !== undefined; next = this.#steps[0]) {
      next();
      this.#steps.shift();
    }
  }

  #refusal(frameBytes: number): RpcError | undefined {
    const { callsInFlightMax, callBytesInFlightMax, outBytesBusy } = this.link.limits;
    if (this.#runningCalls >= callsInFlightMax) {
      return new RpcError("overloaded", `more than ${callsInFlightMax} calls in flight`);
    }
    if (this.#runningCalls > 0 && this.#runningBytes + frameBytes > callBytesInFlightMax) {
      return new RpcError("overloaded", `calls in flight hold more than ${callBytesInFlightMax} bytes`);
    }
    if (this.link.outBytes() > outBytesBusy) {
      return new RpcError("overloaded", `more than ${outBytesBusy} bytes of answers wait to be read`);
    }
    return undefined;
  }

  #target(body: StructReader): Target {
    const to = readTarget(body.getStruct(callAt.target), this.link.limits.pipelineDepthMax);
    return "importId" in to ? this.capTables.exports.get(to.importId) : this.targetAt(to.questionId, to.path);
  }

  /** Throws ProtocolError when the number, or no further one, can be used. */
  #requireFree(questionId: number): void {
    const { answersMax, resultBytesKeptMax } = this.link.limits;
    if (this.#answers.has(questionId)) throw new ProtocolError(`question ${questionId} is in use already`);
    if (this.#answers.size >= answersMax) throw new ProtocolError(`more than ${answersMax} calls not finished`);
    if (this.#keptBytes > resultBytesKeptMax) {
      throw new ProtocolError(`more than ${resultBytesKeptMax} bytes of results not finished`);
    }
  }

  #add(questionId: number, isRedirected: boolean): AnswerEntry {
    const entry = new AnswerEntry(this, questionId, { isRedirected });
    this.#answers.set(questionId, entry);
    return entry;
  }
}
