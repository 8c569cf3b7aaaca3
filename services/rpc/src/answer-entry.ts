/**
 * One answer of ours: a call of the peer from its arrival until the peer finishes it.
 *
 *   running ── handler ends: Return ──▶ returned ── Finish ──▶ gone
 *      │                     └─ Return(noFinishNeeded) ────────▶ gone
 *      └─ Finish: Return(canceled) ──▶ canceled ── handler ends ──▶ gone
 *
 * A Finish before the Return aborts the handler unless somebody else waits for its results: calls pipelined on them, a
 * capability promised in them, or a call of ours that takes them over. Results without capabilities need no Finish when
 * nobody waits for it: a datagram less of the caller. A peer that does not know of that sends it all the same. The number
 * is free for the peer as soon as it has the Return, so a canceled answer is out of the table while its handler still ends.
 */
import { type CapTables, exportsIn } from "./cap-tables.ts";
import { type CallResults, nullTarget } from "./call-results.ts";
import { recordCall, releaseUnsent, resultsOf } from "./local-target.ts";
import {
  type PayloadMessage,
  returnException,
  returnWithout,
  startReturn,
  writeCapTable,
} from "./outgoing-messages.ts";
import { BrokenTarget, type CallRoute, PendingCall } from "./pending-call.ts";
import { type QueueBudget, QueueTarget } from "./queue-target.ts";
import { type RpcException, RpcError } from "./rpc-error.ts";
import { returnAt } from "./rpc-layout.ts";
import type { CallFinished, CallSink, ServedCall } from "./served-call.ts";
import type { SessionLink } from "./session-link.ts";
import type { PromisedTarget, Target } from "./target.ts";

/** What an answer needs of the table it stands in. */
export interface AnswerOwner {
  readonly link: SessionLink;
  readonly capTables: CapTables;
  readonly queueBudget: QueueBudget;
  exceptionOf(error: unknown): RpcException;
  /** Its number is free: the peer sends no Finish, or one that changes nothing. */
  forget(entry: AnswerEntry): void;
  /** The handler has ended, for whatever reason. */
  ended(entry: AnswerEntry, frameBytes: number): void;
  /** More (or with a minus fewer) bytes of results are kept for the peer to pipeline on. */
  keep(bytes: number): void;
  /** Runs a step after the one that is running, so that a chain of pipelined calls does not grow the stack. */
  inTurn(step: () => void): void;
}

export class AnswerEntry implements CallSink, CallRoute {
  readonly id: number;
  /** The call behind it; undefined for Bootstrap and for calls that were refused. */
  served: ServedCall | undefined;
  readonly #owner: AnswerOwner;
  /** The peer wants to be given the results by another Return: ours stay here (sendResultsTo.yourself). */
  readonly #isRedirected: boolean;
  #state: "running" | "returned" | "canceled" = "running";
  /** What calls pipelined on the results wait for. Made when there are such, or when there are results to keep. */
  #outcome: PendingCall | undefined;
  #queues: readonly QueueTarget[] = noQueues;
  #exports: readonly number[] = noExports;
  #keptBytes = 0;
  /** What a Return that takes our results gets, once there is something. */
  #redirected: PayloadMessage | undefined;
  #failure: RpcError | undefined;
  #takers: readonly PendingCall[] = noTakers;

  constructor(owner: AnswerOwner, id: number, options: { readonly isRedirected: boolean }) {
    this.#owner = owner;
    this.id = id;
    this.#isRedirected = options.isRedirected;
  }

  /** Its handler has not ended. */
  get isRunning(): boolean {
    return this.served?.isRunning === true;
  }

  /** Where calls pipelined on the results go, before or after they are there. */
  targetAt(path: readonly number[]): Target {
    if (this.#outcome === undefined) {
      if (this.#failure !== undefined) return new BrokenTarget(this.#failure);
      if (this.#state === "returned") return nullTarget;
      this.#outcome = new PendingCall(this);
    }
    return this.#outcome.pipeline(path);
  }

  /** Makes a call of ours return what this one does. False: its results are not for us. */
  take(call: PendingCall): boolean {
    if (!this.#isRedirected) return false;
    if (this.#redirected !== undefined) call.returned(resultsOf(this.#redirected));
    else if (this.#failure !== undefined) call.fail(this.#failure);
    else this.#takers = [...this.#takers, call];
    return true;
  }

  returned(results: PayloadMessage | undefined): void {
    if (this.served !== undefined) this.#owner.ended(this, this.served.frameBytes);
    const message = results ?? startReturn(this.id, this.#owner.link.limits.messageBytesMax);
    const { capTable } = message.builder;
    const isLast = this.#state === "running" && capTable.length === 0 && this.#mayEndUnfinished;
    if (isLast) message.body.setBool(returnAt.noFinishNeededBit, true);
    let kept: CallResults | undefined;
    try {
      // Before anything is sent: results that cannot be read here become an exception, and that only once.
      if (this.#isRedirected || this.#outcome !== undefined || capTable.length > 0) {
        message.builder.detach();
        kept = resultsOf(message);
      }
      if (this.#state === "running") this.#send(message);
    } catch (error) {
      if (kept === undefined) releaseUnsent(capTable);
      else kept[Symbol.dispose]();
      return this.#sendException(error);
    }
    if (this.#state === "running") this.#state = "returned";
    if (isLast) {
      this.#owner.forget(this);
      return this.#finishServed({ returned: true, releaseResultCaps: true });
    }
    if (this.#isRedirected) this.#redirect(message);
    if (kept !== undefined) this.#keep(kept, message.builder.byteLength);
  }

  /** Nobody needs its results but the peer, and nobody here its Finish. */
  get #mayEndUnfinished(): boolean {
    return !this.#isRedirected && this.#outcome === undefined && this.served?.isFinishAwaited === false;
  }

  failed(error: unknown, unsent: readonly unknown[]): void {
    if (this.served !== undefined) this.#owner.ended(this, this.served.frameBytes);
    releaseUnsent(unsent);
    this.#sendException(error);
  }

  /** Answers a call that is not going to be run. Nothing of its parameters was looked at. */
  refuse(error: RpcError): void {
    this.#owner.link.send(
      returnException({ answerId: this.id, releaseParamCaps: true }, this.#owner.exceptionOf(error)),
    );
    this.#state = "returned";
    this.#failure = error;
  }

  /** The peer's Finish. The entry is out of the table. */
  onFinish(releaseResultCaps: boolean): void {
    if (this.#state === "returned") {
      this.#letGo();
      this.#finishServed({ returned: true, releaseResultCaps });
      // Last: it throws when the peer has given them back already.
      if (releaseResultCaps) this.#owner.capTables.releaseExports(this.#exports);
      return;
    }
    this.#state = "canceled";
    this.#owner.link.send(returnWithout(this.id, "canceled"));
    this.#finishServed({ returned: false, releaseResultCaps });
    this.#abortIfUnwanted();
  }

  /** The session is over. */
  onDisconnect(error: RpcError): void {
    const returned = this.#state === "returned";
    this.#state = "canceled";
    this.#finishServed({ returned, releaseResultCaps: true, disconnected: true });
    this.served?.abort(error);
    this.#outcome?.fail(error);
    if (returned) this.#letGo();
    for (const call of this.#takeTakers()) call.fail(error);
  }

  /** Route of `#outcome`. */
  pipeline(): PromisedTarget {
    const onIdle = (): void => this.#abortIfUnwanted();
    const queue = new QueueTarget({ budget: this.#owner.queueBudget, record: recordCall, onIdle });
    this.#queues = [...this.#queues, queue];
    return queue;
  }

  cancel(): void {}

  finish(): void {}

  /** Throws with nothing sent. */
  #send(message: PayloadMessage): void {
    const { capTables, link } = this.#owner;
    if (this.#isRedirected) return link.send(returnWithout(this.id, "resultsSentElsewhere"));
    const descriptors = capTables.describe(message.builder.capTable, "return");
    const exports = exportsIn(descriptors);
    try {
      writeCapTable(message.payload, descriptors);
    } catch (error) {
      capTables.releaseExports(exports); // the table did not fit into the message
      throw error;
    }
    this.#exports = exports;
    link.send(message.builder.toFrame());
  }

  #sendException(error: unknown): void {
    const exception = this.#owner.exceptionOf(error);
    if (this.#state === "running") {
      this.#state = "returned";
      const end = { answerId: this.id, releaseParamCaps: false };
      this.#owner.link.send(
        this.#isRedirected ? returnWithout(this.id, "resultsSentElsewhere") : returnException(end, exception),
      );
    }
    const failure = new RpcError(exception.type, exception.reason);
    this.#failure = failure;
    for (const call of this.#takeTakers()) call.fail(failure);
    const outcome = this.#outcome;
    if (outcome !== undefined) this.#owner.inTurn(() => outcome.fail(failure));
  }

  #redirect(message: PayloadMessage): void {
    if (this.#state === "returned") this.#redirected = message; // the Return that takes it may still come
    for (const call of this.#takeTakers()) call.returned(resultsOf(message));
  }

  /** For calls pipelined on them, those that wait and those that come until the Finish. */
  #keep(results: CallResults, bytes: number): void {
    this.#outcome ??= new PendingCall(this);
    const outcome = this.#outcome;
    if (this.#state === "returned") {
      this.#keptBytes = bytes;
      this.#owner.keep(bytes);
    }
    this.#owner.inTurn(() => {
      outcome.returned(results);
      // Nobody can pipeline on an answer whose Finish came first: those who did have been served just now.
      if (this.#state === "canceled") outcome.dispose();
    });
  }

  #letGo(): void {
    const outcome = this.#outcome;
    // In turn: the results may still be on their way to those who pipelined on them.
    if (outcome !== undefined) this.#owner.inTurn(() => outcome.dispose());
    this.#outcome = undefined;
    this.#redirected = undefined;
    this.#owner.keep(-this.#keptBytes);
    this.#keptBytes = 0;
  }

  #finishServed(finished: CallFinished): void {
    this.served?.finish(finished, this.#owner.link.report);
  }

  #takeTakers(): readonly PendingCall[] {
    const takers = this.#takers;
    this.#takers = noTakers;
    return takers;
  }

  #abortIfUnwanted(): void {
    if (this.#state !== "canceled" || this.#takers.length > 0) return;
    if (this.#queues.some((queue) => queue.isWanted)) return;
    this.served?.abort(new RpcError("failed", "the caller canceled the call"));
  }
}

// Shared, as most answers have none of these: one is made for every call.
const noQueues: readonly QueueTarget[] = [];
const noTakers: readonly PendingCall[] = [];
const noExports: readonly number[] = [];
