/**
 * Bounds the calls of a store that carries them out elsewhere (a thread, a process): beyond a bound E021_OVERLOADED at
 * once. Three gates, so that a flood of appends does not refuse the acks that make room, nor one of reads the appends.
 */
import { QpqError } from "quicproquo-proto";
import { Gate } from "./gate.ts";
import { type CallName, type Calls, codecs, isRead } from "./packing/index.ts";

export const callDefaults = {
  /** Payload bytes accepted but not yet durable; beyond it E021_OVERLOADED. */
  appendBytesInFlightMax: 64 * 1024 * 1024,
  /** Calls other than appends that wait for an answer, reads and writes apart; beyond it E021_OVERLOADED. */
  callsInFlightMax: 100_000,
  /** `health` gives up after this: some hundred commits. */
  healthMsMax: 5_000,
} as const;

export type CallLimits = {
  readonly appendsInFlightMax: number;
  readonly appendBytesInFlightMax: number;
  readonly callsInFlightMax: number;
};

type Call<N extends CallName> = { readonly name: N; readonly request: Calls[N]["request"] };

export class CallGates {
  readonly #append: Gate;
  readonly #write: Gate;
  readonly #read: Gate;

  constructor({ appendsInFlightMax, appendBytesInFlightMax: bytesMax, callsInFlightMax: rowsMax }: CallLimits) {
    this.#append = new Gate({ name: "appendsInFlightMax", rowsMax: appendsInFlightMax, bytesMax });
    this.#write = new Gate({ name: "callsInFlightMax", rowsMax, bytesMax });
    this.#read = new Gate({ name: "callsInFlightMax", rowsMax, bytesMax });
  }

  /** `carryOut` is told about how many bytes the packed request takes. Without a promise of its own: all calls come by here. */
  pass<N extends CallName>(
    { name, request }: Call<N>,
    carryOut: (bytes: number) => Promise<Calls[N]["answer"]>,
  ): Promise<Calls[N]["answer"]> {
    try {
      const bytes = codecs[name].bytesOf(request);
      const rows = rowsOf({ name, request } as Call<CallName>);
      const gate = this.#gateOf(name);
      gate.enter(rows, bytes);
      const answer = carryOut(bytes);
      const leave = (): void => gate.leave(rows, bytes);
      answer.then(leave, leave);
      return answer;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #gateOf(name: CallName): Gate {
    switch (name) {
      case "append":
      case "commitGroup":
        return this.#append;
      default:
        return isRead(name) ? this.#read : this.#write;
    }
  }
}

function rowsOf(call: Call<CallName>): number {
  if (call.name === "append") return (call as Call<"append">).request.length;
  // the group's own row: a commit without entries is work too
  if (call.name === "commitGroup") return 1 + (call as Call<"commitGroup">).request.entries.length;
  return 1;
}

/** E020_STORE_UNAVAILABLE after msMax; the answer itself is not cancelled, it is only no longer waited for. */
export async function withinMs(msMax: number, answer: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new QpqError("E020_STORE_UNAVAILABLE", { fields: { msMax } })), msMax);
  try {
    await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
