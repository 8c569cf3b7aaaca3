/**
 * The wake-up bus of several front-ends. Every front-end hears every hint and looks in its own map whether somebody
 * waits for that inbox: 2-3 us of its CPU a hint when there are many, where a channel an inbox costs 13 us to publish and
 * 11 us each time somebody begins to wait, and Redis 240 bytes a waiter. What a cluster appends is bounded by its
 * Postgres (some 20,000 messages/s here), so is what a front-end hears, whatever their number.
 *
 * Own listeners are told at once, without Redis. Others are told by frames of up to 512 hints: one is under way a node,
 * one begins every few ms, and what comes meanwhile travels together. Nobody waits for them; a frame whose fate is unknown
 * is sent again, for a hint too many does no harm.
 *
 * A listener hears from the moment it stands, so `subscribe` never makes anybody wait: when a link is up its channels
 * are subscribed already, and when it is not, everybody is told `reconnect` as soon as it is.
 */
import { randomBytes } from "node:crypto";
import type { InboxKey } from "quicproquo-proto";
import { WakeupHub } from "../hub.ts";
import { LookAgain } from "../look-again.ts";
import type { WakeupBus, WakeupListener } from "../port.ts";
import { decodeHints, type Hint, hintsMax } from "./hint-frame.ts";
import { HintQueue } from "./hint-queue.ts";
import { type NodesParts, RedisNodes } from "./nodes.ts";

export type WakeupsOptions = Pick<NodesParts, "address" | "mode" | "limits" | "probeMs"> & {
  /** Inboxes whose hint waits for Redis; what is beyond it is left to the safety sweep. */
  readonly hintsWaitingMax: number;
  readonly listenersMax?: number | undefined;
  /** Somebody claims the inbox, or goes on reading it, here or at another front-end. */
  readonly onClaim?: (inbox: InboxKey) => void;
  /** Of what a hint with `inTail` tells of (tail.ts). */
  readonly written?: (inbox: InboxKey) => Promise<boolean> | undefined;
};

/** Less than any word of a subscription: claims nothing. */
const announcement = " ";

/**
 * At most one frame in so long, unless a full one is left. To hear one costs a front-end 7 us, and some 0.5 a hint in it; to send one
 * 40 us and more, so that at 10,000 hints/s a frame each ms was a sixth of the time of a front-end. As long as nobody else
 * hears them they are sent for whoever begins to listen.
 */
const framesEveryMs = { together: 3, alone: 20 } as const;

/** For the last hints when it is closed. */
const closeMsMax = 500;

export class RedisWakeups implements WakeupBus {
  readonly nodes: RedisNodes;
  readonly #hub: WakeupHub;
  readonly #lookAgain: LookAgain;
  readonly #queue: HintQueue;
  readonly #onClaim: (inbox: InboxKey) => void;
  readonly #written: (inbox: InboxKey) => Promise<boolean> | undefined;
  readonly #firstTry = Promise.withResolvers<void>();
  #flushIsDue = false;
  /** No other front-end heard the last frame. */
  #isAlone = false;
  #flushedAtMs = Number.NEGATIVE_INFINITY;
  #framesUnderWay = 0;
  #onQuiet: (() => void) | undefined;
  #sent = 0;
  #heard = 0;

  constructor({ hintsWaitingMax, listenersMax, onClaim, written, ...options }: WakeupsOptions) {
    this.#onClaim = onClaim ?? (() => undefined);
    this.#written = written ?? (() => undefined);
    this.#hub = new WakeupHub(listenersMax);
    this.#lookAgain = new LookAgain(this.#hub);
    this.#queue = new HintQueue(hintsWaitingMax);
    this.nodes = new RedisNodes({
      ...options,
      sender: randomBytes(8),
      onUp: () => this.#onUp(),
      onDown: () => this.#firstTry.resolve(),
      onFrame: (frame) => this.#hear(frame),
    });
  }

  /** Resolves when every partition can be heard, or a node is not there. */
  get firstTry(): Promise<void> {
    return this.#firstTry.promise;
  }

  /** Hints sent, heard, dropped and waiting. */
  get counts(): { readonly sent: number; readonly heard: number; readonly dropped: number; readonly waiting: number } {
    return { sent: this.#sent, heard: this.#heard, dropped: this.#queue.dropped, waiting: this.#queue.size };
  }

  publish(inbox: InboxKey, inTail = false): void {
    this.#hub.publish(inbox, inTail);
    const written = inTail ? this.#written(inbox) : undefined;
    if (written === undefined) this.#tellOthers({ inbox, claim: "", inTail });
    else void written.then((isWritten) => this.#tellOthers({ inbox, claim: "", inTail: isWritten })); // never rejects
  }

  /** Tells all front-ends that somebody goes on reading the inbox. */
  announce(inbox: InboxKey): void {
    this.#onClaim(inbox);
    this.#tellOthers({ inbox, claim: announcement, inTail: false });
  }

  /** Others are told with a hint, which does no harm. */
  claim(inbox: InboxKey, word: string): void {
    this.#hub.claim(inbox, word);
    this.#onClaim(inbox);
    this.#tellOthers({ inbox, claim: word, inTail: false });
  }

  #tellOthers(hint: Hint): void {
    this.#queue.add(hint);
    this.#flushSoon();
  }

  /** Throws E021_OVERLOADED as WakeupHub. */
  subscribe(inbox: InboxKey, listener: WakeupListener): undefined {
    this.#hub.subscribe(inbox, listener);
  }

  unsubscribe(inbox: InboxKey, listener: WakeupListener): void {
    this.#hub.unsubscribe(inbox, listener);
  }

  /** The last hints are given a moment. */
  async close(): Promise<void> {
    this.#lookAgain.close();
    if (this.nodes.areUp) {
      const quiet = new Promise<void>((resolve) => {
        this.#onQuiet = resolve;
        setTimeout(resolve, closeMsMax).unref();
      });
      this.#flush();
      await quiet;
    }
    this.nodes.close();
  }

  /** After a quiet time at the end of the turn, so that what one turn publishes travels together. */
  #flushSoon(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    const flush = (): void => {
      this.#flushIsDue = false;
      this.#flush();
    };
    const quietMs = performance.now() - this.#flushedAtMs;
    const everyMs = this.#isAlone ? framesEveryMs.alone : framesEveryMs.together;
    if (quietMs >= everyMs || this.#queue.size >= hintsMax) setImmediate(flush);
    else setTimeout(flush, everyMs - quietMs);
  }

  #flush(): void {
    this.#flushedAtMs = performance.now();
    while (this.#queue.size > 0) {
      const link = this.nodes.idleLink();
      if (link === undefined) break; // one that becomes idle or comes up flushes
      void this.#send(link, this.#queue.take(hintsMax)); // never rejects
    }
    if (this.#queue.size === 0 && this.#framesUnderWay === 0) this.#onQuiet?.();
  }

  async #send(link: NonNullable<ReturnType<RedisNodes["idleLink"]>>, hints: readonly Hint[]): Promise<void> {
    this.#framesUnderWay++;
    const heardBy = await link.publish(hints);
    this.#framesUnderWay--;
    if (heardBy === undefined) for (const hint of hints) this.#queue.add(hint);
    else {
      this.#isAlone = heardBy <= 1;
      this.#sent += hints.length;
    }
    if (this.#queue.size > 0) this.#flushSoon();
    else if (this.#framesUnderWay === 0) this.#onQuiet?.();
  }

  #hear(frame: Buffer): void {
    decodeHints(frame, ({ inbox, claim, inTail }) => {
      this.#heard++;
      this.#hub.publish(inbox, inTail);
      if (claim === "") return;
      this.#onClaim(inbox);
      this.#hub.claim(inbox, claim);
    });
  }

  #onUp(): void {
    if (this.nodes.areUp) this.#firstTry.resolve();
    this.#lookAgain.start();
    this.#flush();
  }
}
