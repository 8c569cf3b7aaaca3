/** Appends of several calls, laid out as the parameters of one statement (append.ts, group-commits.ts). */
import { randomBytes } from "node:crypto";
import type { InboxKey } from "quicproquo-proto";
import type { Append } from "../port.ts";
import { senderTagOf } from "../sender-share.ts";
import type { Value } from "./connector.ts";
import { byteaArray, int4Array, int8Array, uuidArray } from "./parameters.ts";

/** Smaller payloads are cheaper copied than referred to: their rows cost about as much as they save. */
const sharedPayloadBytesMin = 256;

/** Of this process: what an entry without a message id goes by if its statement has to be repeated. */
const ownPrefix = randomBytes(10);
let ownCount = 0;

export class AppendBatch {
  readonly entries: readonly Append[];
  /** Distinct, ascending by byte: the order every statement locks in. */
  readonly inboxes: readonly InboxKey[];
  readonly #counts: readonly number[];
  /** From 1: which of its inbox's messages of this batch an entry is. */
  readonly #places: readonly number[];
  readonly #inboxIndexes: readonly number[];
  /** Whether an entry takes part of a sender's share. */
  readonly hasSenders: boolean;
  /** Whether a call has several entries: all of them are stored in one statement. */
  readonly hasSeveral: boolean;
  readonly #bodies: readonly Uint8Array[];
  /** From 1; null = the entry has a payload of its own. */
  readonly #bodyIndexes: readonly (number | null)[];
  #ids: Buffer | undefined;

  /** Only entries of one call share payloads. */
  constructor(calls: readonly (readonly Append[])[]) {
    this.entries = calls.length === 1 ? (calls[0] as readonly Append[]) : calls.flat();
    const counts = new Map<InboxKey, number>();
    this.#places = this.entries.map(({ inbox }) => {
      const place = (counts.get(inbox) ?? 0) + 1;
      counts.set(inbox, place);
      return place;
    });
    this.inboxes = [...counts.keys()].sort();
    this.#counts = this.inboxes.map((inbox) => counts.get(inbox) as number);
    const indexes = new Map(this.inboxes.map((inbox, index) => [inbox, index]));
    this.#inboxIndexes = this.entries.map(({ inbox }) => indexes.get(inbox) as number);
    this.hasSenders = this.entries.some(({ sender }) => sender !== undefined);
    this.hasSeveral = calls.some(({ length }) => length > 1);
    const { bodies, bodyIndexes } = sharedBodies(calls);
    this.#bodies = bodies;
    this.#bodyIndexes = bodyIndexes;
  }

  /** Where the entry's inbox stands in `inboxes`, and which of the inbox's messages it is, from 1. */
  placeOf(entry: number): { readonly inbox: number; readonly place: number } {
    return { inbox: this.#inboxIndexes[entry] as number, place: this.#places[entry] as number };
  }

  get inboxArray(): Value {
    return byteaArray(this.inboxes);
  }

  get countArray(): Value {
    return int4Array(this.#counts);
  }

  get placeArray(): Value {
    return int4Array(this.#places);
  }

  get keyArray(): Value {
    return byteaArray(this.entries.map(({ inbox }) => inbox));
  }

  /** The same at every call. */
  get idArray(): Value {
    this.#ids ??= uuidArray(this.entries.map(({ messageId }) => messageId ?? ownId()));
    return this.#ids;
  }

  get expiryArray(): Value {
    return int8Array(this.entries.map(({ expiresAtMs }) => expiresAtMs));
  }

  get senderArray(): Value {
    return int8Array(this.entries.map(({ sender }) => (sender === undefined ? null : numberOf(senderTagOf(sender)))));
  }

  get payloadArray(): Value {
    return byteaArray(this.entries.map(({ payload }, i) => (this.#bodyIndexes[i] === null ? payload : null)));
  }

  get bodyIndexArray(): Value {
    return int4Array(this.#bodyIndexes);
  }

  get bodyArray(): Value {
    return byteaArray(this.#bodies);
  }
}

function numberOf(tag: Uint8Array): bigint {
  return new DataView(tag.buffer, tag.byteOffset).getBigInt64(0);
}

function ownId(): Uint8Array {
  const id = Buffer.allocUnsafe(16);
  ownPrefix.copy(id);
  id.writeUIntBE(ownCount++, 10, 6);
  return id;
}

function sharedBodies(calls: readonly (readonly Append[])[]) {
  const bodies: Uint8Array[] = [];
  const bodyIndexes: (number | null)[] = [];
  for (const entries of calls) {
    const indexes = sharedIn(entries);
    for (const { payload } of entries) {
      if (!indexes.has(payload)) {
        bodyIndexes.push(null);
        continue;
      }
      const index = indexes.get(payload) ?? bodies.push(payload);
      indexes.set(payload, index);
      bodyIndexes.push(index);
    }
  }
  return { bodies, bodyIndexes };
}

/** The payloads that several entries share; their numbers follow when they are met. */
function sharedIn(entries: readonly Append[]): Map<Uint8Array, number | undefined> {
  const shared = new Map<Uint8Array, number | undefined>();
  if (entries.length === 1) return shared;
  const seen = new Set<Uint8Array>();
  for (const { payload } of entries) {
    if (payload.length < sharedPayloadBytesMin) continue;
    if (seen.has(payload)) shared.set(payload, undefined);
    seen.add(payload);
  }
  return shared;
}
