/**
 * Sends the messages of many callers in few calls: what is sent in one turn of the event loop goes into one Session.send,
 * which is one transaction, and each caller has an answer of its own. For who sends for many: 256 callers pay half.
 *
 * Messages of one turn to one inbox keep their order. A message that the server refuses spoils none of the others: they
 * then go once more, each alone. It sends nothing again when it is not known whether the first time succeeded.
 */
import { type ErrorCode, QpqError } from "quicproquo-proto";
import type { OutgoingMessage, SessionClient } from "./session-client.ts";

/** Of one call; the server's least limit of recipients is far above. */
const messagesMax = 256;
/** Of payloads in one call, except that one message always goes: a call must not hold back what comes behind it for long. */
const bytesMax = 256 << 10;

type Waiting = {
  readonly message: OutgoingMessage;
  readonly resolve: (seq: bigint) => void;
  readonly reject: (error: unknown) => void;
};

export class GatheringSender {
  readonly #session: Pick<SessionClient, "send">;
  #waiting: Waiting[] = [];
  #bytes = 0;

  constructor(session: Pick<SessionClient, "send">) {
    this.#session = session;
  }

  /**
   * seq of the message, durable. E009_QUEUE_FULL: the inbox is full, or its owner blocks the sender. Else as Session.send: after
   * E042_CONNECTION_LOST or E028_DEADLINE repeat with the same idempotency key.
   */
  send(message: OutgoingMessage): Promise<bigint> {
    return new Promise((resolve, reject) => {
      const isFull = this.#waiting.length === messagesMax || this.#bytes + message.payload.length > bytesMax;
      if (isFull && this.#waiting.length > 0) this.#flush();
      if (this.#waiting.length === 0) queueMicrotask(() => this.#flush());
      this.#waiting.push({ message, resolve, reject });
      this.#bytes += message.payload.length;
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    this.#bytes = 0;
    void this.#sendTogether(waiting); // it never rejects: each caller is told
  }

  async #sendTogether(waiting: readonly Waiting[]): Promise<void> {
    try {
      const seqs = await this.#session.send(waiting.map(({ message }) => message));
      for (const [i, { resolve, reject }] of waiting.entries()) {
        const seq = seqs[i] ?? 0n;
        if (seq === 0n) reject(new QpqError("E009_QUEUE_FULL", { retryAfterMs: 1_000 }));
        else resolve(seq);
      }
    } catch (error) {
      if (waiting.length > 1 && isRefusal(error)) for (const one of waiting) void this.#sendTogether([one]);
      else for (const { reject } of waiting) reject(error);
    }
  }
}

/** Nothing was stored, for what one of the messages says; not for whose session it is. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof QpqError) || ofSession.has(error.code)) return false;
  return error.kind === "invalid" || error.kind === "denied" || error.kind === "notFound";
}

const ofSession: ReadonlySet<ErrorCode> = new Set(["E003_UNAUTHENTICATED", "E004_BAD_TOKEN", "E005_SESSION_EXPIRED"]);
