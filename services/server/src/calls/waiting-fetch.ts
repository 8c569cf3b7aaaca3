/**
 * A fetchWait while it waits: with the call's own object and the waiter's (delivery/waiters.ts) all that is kept of it,
 * without the message it came in. It ends with its token: what comes afterwards is not for who waits.
 */
import { type InboxKey, type methodCodecs, QpqError } from "quicproquo-proto";
import type { AbortListener } from "quicproquo-rpc";
import type { FetchQuery } from "../delivery/delivery.ts";
import type { Fetched } from "../delivery/lease-book.ts";
import { isNews } from "../delivery/readers.ts";
import type { Waiting } from "../delivery/waiters.ts";
import type { ReadAnswer } from "../store/port.ts";
import { fetchAnswer } from "./fetch-answers.ts";
import { begin, type LaterResults, type ResultsSink } from "./interface-server.ts";
import type { CallContext } from "./methods.ts";

type Results = ReturnType<(typeof methodCodecs)["fetchWait"]["decodeResults"]>;

export class WaitingFetch implements LaterResults<Results>, Waiting<ReadAnswer | Fetched> {
  readonly #query: FetchQuery;
  readonly #timeoutMs: number;
  readonly #keep: boolean;
  readonly #context: CallContext;
  #sink: ResultsSink<Results> | undefined;
  #waiter: AbortListener | undefined;
  #stopWatch: (() => void) | undefined;
  /** The token is. */
  #isOver = false;

  constructor(
    query: FetchQuery,
    { timeoutMs, keep, context }: { readonly timeoutMs: number; readonly keep: boolean; readonly context: CallContext },
  ) {
    this.#query = query;
    this.#timeoutMs = timeoutMs;
    this.#keep = keep;
    this.#context = context;
  }

  get inbox(): InboxKey {
    return this.#query.inbox;
  }

  get after(): bigint {
    return this.#query.after;
  }

  get storeEpoch(): bigint {
    return this.#query.storeEpoch;
  }

  [begin](sink: ResultsSink<Results>): void {
    this.#sink = sink;
    this.#stopWatch = this.#context.watchToken(() => this.#end());
    this.#context.domains.delivery.wait(this, this.#timeoutMs);
  }

  look(): Promise<ReadAnswer | Fetched> {
    const { delivery } = this.#context.domains;
    if (this.#keep) return delivery.fetchKeeping(this.#query);
    return delivery.fetch(this.#query, this.#context);
  }

  isEnough(found: ReadAnswer): boolean {
    return isNews(found);
  }

  onGone(listener: AbortListener): void {
    this.#waiter = listener;
    this.#context.onGone(listener);
  }

  found(answer: ReadAnswer | Fetched): void {
    this.#stopWatch?.();
    if (this.#isOver) {
      if ("dropped" in answer) answer.dropped();
      return this.failed(undefined);
    }
    this.#sink?.done(fetchAnswer(answer, this.inbox, this.#context));
  }

  failed(error: unknown): void {
    this.#stopWatch?.();
    this.#sink?.failed(this.#isOver ? new QpqError("E005_SESSION_EXPIRED") : error);
  }

  #end(): void {
    this.#isOver = true;
    this.#waiter?.onAborted();
  }
}
