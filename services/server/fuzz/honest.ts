/**
 * An honest session beside the one under attack, with an inbox that nobody else writes to: it is answered, and the store
 * holds exactly what was acknowledged to it.
 */
import { inboxKeyOf, type MethodCodec, methodCodecs, parseChannelId, parseIdentityKey } from "quicproquo-proto";
import { type Capability, RpcSession } from "quicproquo-rpc";
import { FedStream, Finding, joinStreams } from "quicproquo-rpc/fuzz";
import type { FrontEnd } from "./front-end.ts";

const identity = parseIdentityKey(new Uint8Array(32).fill(0xee));
const channelId = parseChannelId(new Uint8Array());
const address = { recipientKey: identity, channelId, version: 1 };

export class Honest {
  /** Calls that write. */
  writes = 0;
  readonly #frontEnd: FrontEnd;
  readonly #auth: { readonly version: number; readonly accessToken: Uint8Array; readonly deviceId: Uint8Array };
  readonly #client: RpcSession;
  readonly #server: RpcSession;
  readonly #service: Capability;
  /** What was acknowledged and not removed: the first byte of each payload by its seq. */
  readonly #acknowledged = new Map<bigint, number>();
  #sent = 0;
  readonly #begun: Promise<void>;

  constructor(frontEnd: FrontEnd, token: string) {
    this.#frontEnd = frontEnd;
    this.#auth = { version: 1, accessToken: Buffer.from(token), deviceId: new Uint8Array() };
    const [here, there] = [new FedStream(), new FedStream()];
    joinStreams(here, there);
    this.#server = frontEnd.serve(there);
    this.#client = new RpcSession(here);
    this.#service = this.#client.bootstrap();
    this.#begun = this.#enqueue();
    this.#begun.catch(() => {}); // check tells
  }

  /** After the attack. Throws Finding. */
  async check(): Promise<void> {
    try {
      await this.#begun;
      await this.#enqueue();
      const { payloads } = await this.#call(methodCodecs.peek, {
        ...this.#addressed,
        limit: 0,
        after: 0n,
        storeEpoch: 0n,
      });
      this.#compare(
        "is answered",
        payloads.map(({ seq, data }) => [seq, data] as const),
      );
    } catch (error) {
      if (error instanceof Finding) throw error;
      throw new Finding("bystander", `an honest session failed: ${String(error)}`, { cause: error });
    }
    const inbox = inboxKeyOf(identity, channelId);
    const query = { inbox, after: 0n, storeEpoch: 0n, limit: 1_000, bytesMax: 1_000_000 };
    const { messages } = await this.#frontEnd.store.log.read(query);
    this.#compare(
      "is stored",
      messages.map(({ seq, payload }) => [seq, payload] as const),
    );
  }

  close(): void {
    this.#client.close();
    this.#server.close();
  }

  async #enqueue(): Promise<void> {
    const mark = ++this.#sent;
    const letter = { payload: new Uint8Array(9).fill(mark), ttlSecs: 0, idempotencyKey: new Uint8Array() };
    this.writes++;
    const { seq } = await this.#call(methodCodecs.enqueue, { ...this.#addressed, ...letter });
    this.#acknowledged.set(seq, mark);
  }

  get #addressed() {
    return { ...address, auth: this.#auth };
  }

  async #call<P, R, PR, PB, RR, RB>(codec: MethodCodec<P, R, PR, PB, RR, RB>, params: P): Promise<R> {
    return codec.decodeResults(
      await this.#service.call(codec.method, (builder) => codec.encodeParams(params, builder)),
    );
  }

  #compare(what: string, messages: readonly (readonly [seq: bigint, payload: Uint8Array])[]): void {
    const seen = messages.map(([seq, payload]) => `${seq}:${payload.length === 9 ? payload[8] : "another"}`).join();
    const expected = [...this.#acknowledged].map(([seq, mark]) => `${seq}:${mark}`).join();
    if (seen !== expected) throw new Finding("bystander", `${seen} ${what} where ${expected} was acknowledged`);
  }
}
