/**
 * The hot tail of a simulated cluster: what was stored a moment ago, shared by all front-ends, and gone at any time. An
 * entry may be missing; what is there ascends, and stands under the epoch that it was stored in.
 */
import type { InboxKey } from "quicproquo-proto";
import { Random } from "quicproquo-rpc/fuzz";
import type { StoredMessage, TailAnswer, TailQuery } from "../../src/store/port.ts";

/** Of a stream; few, so that readers are often further behind. */
const entriesMax = 6;

export class Tail {
  readonly #random: Random;
  readonly #streams = new Map<string, StoredMessage[]>();

  constructor(seed: number) {
    this.#random = new Random(seed, "tail");
  }

  /** `missing`: readers are told that it is here, and it is not. `elsewhere`: they are not told so. */
  write(inbox: InboxKey, storeEpoch: bigint, message: StoredMessage): "here" | "missing" | "elsewhere" {
    if (this.#random.chance(20)) return "elsewhere";
    if (this.#random.chance(5)) return "missing";
    const name = nameOf(inbox, storeEpoch);
    const stream = this.#streams.get(name) ?? [];
    this.#streams.set(name, stream);
    // one that comes behind a later one is refused: a hole that readers see
    if ((stream.at(-1)?.seq ?? 0n) < message.seq) stream.push(message);
    if (stream.length > entriesMax) stream.shift();
    return "here";
  }

  read({ inbox, storeEpoch, after, limit, bytesMax }: TailQuery): TailAnswer | undefined {
    const behind = (this.#streams.get(nameOf(inbox, storeEpoch)) ?? []).filter(({ seq }) => seq > after);
    const messages: StoredMessage[] = [];
    let bytes = 0;
    for (const message of behind.slice(0, limit)) {
      bytes += message.payload.length;
      const isNext = message.seq === after + BigInt(messages.length + 1);
      if (!isNext || (messages.length > 0 && bytes > bytesMax)) break;
      messages.push(message);
    }
    return messages.length === 0 ? undefined : { messages, isAll: messages.length === behind.length };
  }

  trim(inbox: InboxKey, storeEpoch: bigint, upTo: bigint): void {
    const stream = this.#streams.get(nameOf(inbox, storeEpoch)) ?? [];
    while (stream[0] !== undefined && stream[0].seq <= upTo) stream.shift();
  }

  flush(): void {
    this.#streams.clear();
  }
}

function nameOf(inbox: InboxKey, storeEpoch: bigint): string {
  return `${storeEpoch} ${inbox}`;
}
