/**
 * Steady callers for tests: one sends a message to an inbox again and again, one waits for what comes there and fetches it.
 * Whatever ends with an error is tried again, over a new connection if need be, for as long as it takes.
 */
import { setTimeout as pause } from "node:timers/promises";
import { QpqError } from "quicproquo-proto";
import type { ServerProcess } from "../../services/server/testing/server-process.ts";
import { RawClient } from "../../services/server/test/e2e/raw-client.ts";

/** Seldom enough that the reader waits again before the next: then it is somebody's word that makes it look. */
const sentEveryMs = 200;
const betweenMs = 20;
/** Who waits for an answer hears nothing of a dead server. Longer than a server waits for its store (5 s). */
const deadlineMs = 8_000;
const parkedMs = 4_000n;

let inboxes = 0;

export class Callers implements AsyncDisposable {
  #isStopping = false;
  readonly #loops: readonly Promise<void>[];

  /** What is sent at `sender` is read at `reader`. */
  constructor(sender: ServerProcess, reader: ServerProcess) {
    const recipientKey = new Uint8Array(32).fill(++inboxes);
    const payload = Buffer.from("x");
    this.#loops = [
      this.#repeat(sender, async (client, signal) => {
        await client.call("enqueue", { recipientKey, payload }, { signal });
        await pause(sentEveryMs);
      }),
      this.#repeat(reader, (client, signal) =>
        client.call("fetchWait", { recipientKey, timeoutMs: parkedMs }, { signal }),
      ),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#loops);
  }

  async #repeat(
    server: ServerProcess,
    call: (client: RawClient, signal: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    while (!this.#isStopping) {
      const client = await RawClient.connect(server).catch(() => undefined);
      if (client !== undefined) await this.#over(client, call);
      client?.close();
      await pause(betweenMs);
    }
  }

  /** Until it gets no answer. */
  async #over(client: RawClient, call: (client: RawClient, signal: AbortSignal) => Promise<unknown>): Promise<void> {
    let isOpen = true;
    client.connection.onClose = () => (isOpen = false);
    while (isOpen && !this.#isStopping) {
      const signal = AbortSignal.timeout(deadlineMs);
      const error = await call(client, signal).catch((reason: unknown) => reason);
      if (error instanceof Error && !(error instanceof QpqError)) return;
      await pause(betweenMs);
    }
  }
}
