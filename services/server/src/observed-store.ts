/** A store that tells the observers what its message log does; everything else of it is as it was. */
import { errorCodeOf } from "quicproquo-proto";
import type { StoreObserver, StoreOperation } from "./observe/observer.ts";
import type { Step, Tracing } from "./observe/tracing.ts";
import type { Append, Appended, MessageLog, Store, WakeupBus } from "./store/port.ts";

export type ObservedStore = {
  readonly store: Store;
  /** Messages that were given to the log and are not durable yet. */
  readonly queueDepth: () => number;
};

const steps: Readonly<Record<StoreOperation, Step>> = {
  append: "commit",
  appendAll: "commit",
  commitGroup: "commit",
  read: "read",
  ack: "ack",
};

export function observeStore(store: Store, observer: StoreObserver, tracing: Tracing | undefined): ObservedStore {
  const log = new ObservedLog(store.log, observer, tracing);
  const { wakeups } = store;
  return {
    store: { ...store, log, wakeups: tracing === undefined ? wakeups : tracedWakeups(wakeups, tracing) },
    queueDepth: () => log.queueDepth,
  };
}

class ObservedLog implements MessageLog {
  readonly #log: MessageLog;
  readonly #observer: StoreObserver;
  readonly #tracing: Tracing | undefined;
  readonly readTail?: NonNullable<MessageLog["readTail"]>;
  queueDepth = 0;

  constructor(log: MessageLog, observer: StoreObserver, tracing: Tracing | undefined) {
    this.#log = log;
    this.#observer = observer;
    this.#tracing = tracing;
    if (log.readTail !== undefined) this.readTail = (query) => (log as Required<MessageLog>).readTail(query);
  }

  append(entry: Append): Promise<Appended> {
    return this.#storing("append", [entry], this.#log.append(entry), (one) => [seqOf(one)]);
  }

  appendAll(entries: readonly Append[]): Promise<readonly Appended[]> {
    return this.#storing("appendAll", entries, this.#log.appendAll(entries), (all) => all.map(seqOf));
  }

  commitGroup(commit: Parameters<MessageLog["commitGroup"]>[0]): ReturnType<MessageLog["commitGroup"]> {
    return this.#storing("commitGroup", commit.entries, this.#log.commitGroup(commit), (committed) =>
      "seqs" in committed ? committed.seqs : [],
    );
  }

  read(query: Parameters<MessageLog["read"]>[0]): ReturnType<MessageLog["read"]> {
    return this.#timed("read", this.#log.read(query));
  }

  ack(...parameters: Parameters<MessageLog["ack"]>): Promise<boolean> {
    return this.#timed("ack", this.#log.ack(...parameters));
  }

  sweep(rowsMax: number): Promise<number> {
    return this.#log.sweep(rowsMax);
  }

  #storing<Answer>(
    operation: StoreOperation,
    entries: readonly Append[],
    under: Promise<Answer>,
    seqsOf: (answer: Answer) => readonly bigint[],
  ): Promise<Answer> {
    const tracing = this.#tracing;
    const { length } = entries;
    this.queueDepth += length;
    return this.#timed(operation, under, (answer) => {
      this.queueDepth -= length;
      if (tracing === undefined || answer === undefined) return;
      seqsOf(answer).forEach((seq, i) => {
        const inbox = entries[i]?.inbox;
        if (inbox !== undefined && seq !== 0n) tracing.stored(inbox, { seq });
      });
    });
  }

  /** Of what is under way since now. The answer is the same promise: nobody waits a turn longer. */
  #timed<Answer>(
    operation: StoreOperation,
    under: Promise<Answer>,
    onEnd?: (answer: Answer | undefined) => void,
  ): Promise<Answer> {
    const span = this.#tracing?.step(steps[operation]);
    const startedAtMs = performance.now();
    under.then(
      (answer) => {
        const seconds = (performance.now() - startedAtMs) / 1_000;
        this.#observer.storeCallEnded({ operation, seconds, code: undefined });
        span?.end("ok");
        onEnd?.(answer);
      },
      (error: unknown) => {
        const code = errorCodeOf(error);
        const seconds = (performance.now() - startedAtMs) / 1_000;
        this.#observer.storeCallEnded({ operation, seconds, code });
        span?.end(code);
        onEnd?.(undefined);
      },
    );
    return under;
  }
}

function seqOf(appended: Appended): bigint {
  return appended.kind === "full" ? 0n : appended.seq;
}

/** Readers are told within publish, and what they do then is no part of the sender's call. */
function tracedWakeups(wakeups: WakeupBus, tracing: Tracing): WakeupBus {
  return {
    publish(inbox, inTail) {
      const span = tracing.step("publish");
      tracing.apart(() => wakeups.publish(inbox, inTail));
      span?.end("ok");
    },
    subscribe: (inbox, listener) => wakeups.subscribe(inbox, listener),
    unsubscribe: (inbox, listener) => wakeups.unsubscribe(inbox, listener),
    ...(wakeups.claim !== undefined && {
      claim: (inbox, word) => tracing.apart(() => (wakeups as Required<WakeupBus>).claim(inbox, word)),
    }),
  };
}
