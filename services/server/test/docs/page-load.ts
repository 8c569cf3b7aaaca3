/**
 * Senders who never give up: what a server answers or what becomes of the connection, each message is sent again with its
 * message id until it is acknowledged. What was acknowledged stands in the ledgers that are open then.
 */
import { setTimeout as pause } from "node:timers/promises";
import { QpqError } from "quicproquo-proto";
import { RpcError } from "quicproquo-rpc";
import type { ServerProcess } from "../../testing/server-process.ts";
import { type Ledger, payloadHashOf } from "../crash/ledger.ts";
import { messageNumber } from "../crash/messages.ts";
import { Tally } from "../crash/tally.ts";
import { RawClient } from "../e2e/raw-client.ts";

const senders = 16;

export class Load {
  /** Whoever wants to know what is acknowledged from now on. */
  readonly ledgers = new Set<Ledger>();
  readonly #server: ServerProcess;
  #client: Promise<RawClient>;
  readonly #sending: Promise<unknown>;
  readonly #tally = new Tally();
  #next: number;
  #isOver = false;

  private constructor(server: ServerProcess, first: number) {
    this.#server = server;
    this.#client = RawClient.connect(server);
    this.#next = first;
    this.#sending = Promise.all(Array.from({ length: senders }, () => this.#send()));
    // whoever waits for it is told; until then it is nobody's
    this.#sending.catch(() => undefined);
  }

  /** `first`: the number of the first message, of two loads on one store. */
  static on(server: ServerProcess, ledgers: readonly Ledger[], first = 0): Load {
    const load = new Load(server, first);
    for (const ledger of ledgers) load.ledgers.add(ledger);
    return load;
  }

  get acknowledged(): number {
    return this.#tally.count;
  }

  /** Resolves after so many more acknowledgements. */
  acknowledgedMore(count: number): Promise<void> {
    return this.#tally.more(count, this.#sending);
  }

  /** All that was begun is acknowledged when it resolves. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#sending;
    (await this.#client).close();
  }

  async #send(): Promise<void> {
    while (!this.#isOver) {
      const { inbox, payload, messageId } = messageNumber(this.#next++);
      const recipientKey = Buffer.from(inbox, "latin1");
      const message = { recipientKey, payload, idempotencyKey: messageId as Uint8Array };
      const { seq } = await this.#insist((client) => client.call("enqueue", message));
      for (const ledger of this.ledgers) ledger.acknowledge({ inbox, seq, payloadHash: payloadHashOf(payload) });
      this.#tally.add();
    }
  }

  async #insist<T>(call: (client: RawClient) => Promise<T>): Promise<T> {
    for (;;) {
      const connecting = this.#client;
      try {
        return await call(await connecting);
      } catch (error) {
        if (isLostConnection(error)) this.#replace(connecting);
        else if (!(error instanceof QpqError && ["unavailable", "limited"].includes(error.kind))) throw error;
        await pause((error as QpqError).retryAfterMs ?? 100);
      }
    }
  }

  #replace(lost: Promise<RawClient>): void {
    if (this.#client !== lost) return;
    this.#client = RawClient.connect(this.#server);
    // the senders who wait for it are told
    this.#client.catch(() => undefined);
  }
}

/** An RpcError is none of the server's answers: those have a code. */
function isLostConnection(error: unknown): boolean {
  const codes = ["E040_CONNECT_FAILED", "E042_CONNECTION_LOST"];
  return error instanceof RpcError || (error instanceof QpqError && codes.includes(error.code));
}
