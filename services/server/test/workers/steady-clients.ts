/**
 * Clients that enqueue one message after the other, each until it is acknowledged: on an error the same one again with
 * the same idempotency key, on a lost connection over a new one. What was acknowledged stands in a ledger.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { ServerProcess } from "../../testing/server-process.ts";
import { type Ledger, payloadHashOf } from "../crash/ledger.ts";
import { inboxCount, inboxNumber, messageNumber } from "../crash/messages.ts";
import { RawClient } from "../e2e/raw-client.ts";

/** As the jitter of a client that reconnects: not all in the same moment. */
const reconnectMs = 100;
const repeatMs = 20;
/**
 * Who waits for an answer and has nothing left to send hears nothing of a dead worker: a client needs a deadline, and
 * then another connection.
 */
const deadlineMs = 3_000;

export class SteadyClients implements Disposable {
  readonly #server: ServerProcess;
  readonly #ledger: Ledger;
  readonly #clients: SteadyClient[] = [];
  #next = 0;

  constructor(server: ServerProcess, ledger: Ledger) {
    this.#server = server;
    this.#ledger = ledger;
  }

  get acknowledged(): number {
    return this.#clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }

  /** Who has lost a connection so far. */
  get lost(): readonly SteadyClient[] {
    return this.#clients.filter(({ losses }) => losses > 0);
  }

  get unharmed(): readonly SteadyClient[] {
    return this.#clients.filter(({ losses }) => losses === 0);
  }

  get all(): readonly SteadyClient[] {
    return this.#clients;
  }

  /** So many more. */
  start(count: number): void {
    for (let i = 0; i < count; i++) {
      const client = new SteadyClient(this.#server, this.#ledger, () => this.#next++);
      this.#clients.push(client);
      client.start();
    }
  }

  [Symbol.dispose](): void {
    // each is done with the call it is at, or the server is gone
    for (const client of this.#clients) void client.stop();
  }

  /** Waits for the calls that are under way; reads every inbox into the ledger. */
  async stopAndRead(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.stop()));
    using reader = await RawClient.connect(this.#server);
    for (let i = 0; i < inboxCount; i++) {
      const inbox = inboxNumber(i);
      const recipientKey = Buffer.from(inbox, "latin1");
      for (let after = 0n; ; ) {
        const { payloads } = await reader.call("peek", { recipientKey, after, limit: 1_000 });
        for (const { seq, data } of payloads) this.#ledger.receive({ inbox, seq, payloadHash: payloadHashOf(data) });
        const last = payloads.at(-1);
        if (last === undefined) break;
        after = last.seq;
      }
    }
  }
}

type Message = ReturnType<typeof messageNumber>;

class SteadyClient {
  acknowledged = 0;
  /** Connections that ended without its wish. */
  losses = 0;
  /** As performance.now tells it; 0 = never. */
  lastAcknowledgedAtMs = 0;
  readonly #server: ServerProcess;
  readonly #ledger: Ledger;
  readonly #next: () => number;
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();

  constructor(server: ServerProcess, ledger: Ledger, next: () => number) {
    this.#server = server;
    this.#ledger = ledger;
    this.#next = next;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    let message = messageNumber(this.#next());
    while (!this.#isStopping) {
      const client = await RawClient.connect(this.#server).catch(() => undefined);
      if (client !== undefined) message = await this.#sendOver(client, message);
      if (this.#isStopping) return;
      this.losses++;
      await pause(Math.random() * reconnectMs);
    }
  }

  /** Sends while the connection lives; answers the message that is to be sent next. */
  async #sendOver(client: RawClient, first: Message): Promise<Message> {
    let message = first;
    let isOpen = true;
    client.connection.onClose = () => (isOpen = false);
    while (isOpen && !this.#isStopping) {
      const outcome = await this.#send(client, message);
      if (outcome === "acknowledged") message = messageNumber(this.#next());
      else if (outcome === "late") break;
      else if (isOpen) await pause(repeatMs);
    }
    client.close();
    return message;
  }

  async #send(client: RawClient, message: Message): Promise<"acknowledged" | "late" | "refused"> {
    const { inbox, payload, messageId } = message;
    const signal = AbortSignal.timeout(deadlineMs);
    const recipientKey = Buffer.from(inbox, "latin1");
    try {
      const idempotencyKey = messageId as Uint8Array;
      const { seq } = await client.call("enqueue", { recipientKey, payload, idempotencyKey }, { signal });
      this.#ledger.acknowledge({ inbox, seq, payloadHash: payloadHashOf(payload) });
    } catch {
      return signal.aborted ? "late" : "refused";
    }
    this.acknowledged++;
    this.lastAcknowledgedAtMs = performance.now();
    return "acknowledged";
  }
}
