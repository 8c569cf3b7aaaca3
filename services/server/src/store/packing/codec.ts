/**
 * The calls of the store port as flat bytes, for the way to another thread or process: what each takes and answers, and
 * what packs it. Structured-cloning an object a call instead cost 3-4 us a side.
 */
import type { IdentityKey, InboxKey } from "quicproquo-proto";
import type { ByteReader, ByteWriter } from "../../ipc/bytes.ts";
import type {
  AccountStore,
  Append,
  Appended,
  BlobStore,
  ChannelStore,
  GroupCommit,
  GroupCommitted,
  HybridKey,
  KeyPackagePut,
  ReadAnswer,
  ReadQuery,
} from "../port.ts";

export type AckRequest = { readonly inbox: InboxKey; readonly upTo: bigint; readonly storeEpoch: bigint };
export type HybridKeyPut = { readonly identity: IdentityKey; readonly key: HybridKey };
export type KeyPackagePutAnswer = { readonly kind: "stored" | "full"; readonly remaining: number };

type CallsOf<Port> = {
  readonly [N in keyof Port]: Port[N] extends (request: infer Request) => Promise<infer Answer>
    ? { readonly request: Request; readonly answer: Answer }
    : never;
};
export type AccountCalls = CallsOf<Omit<AccountStore, "deleteAccount">> & {
  /** One transaction of a deletion; answers whether all is gone. */
  readonly deleteAccountStep: { readonly request: IdentityKey; readonly answer: boolean };
};
export type ChannelCalls = CallsOf<ChannelStore>;
export type BlobCalls = CallsOf<BlobStore>;

type LogAndKeyCalls = {
  readonly append: { readonly request: readonly Append[]; readonly answer: readonly Appended[] };
  readonly commitGroup: { readonly request: GroupCommit; readonly answer: GroupCommitted };
  readonly ack: { readonly request: AckRequest; readonly answer: boolean };
  readonly sweep: { readonly request: number; readonly answer: number };
  readonly putKeyPackage: { readonly request: KeyPackagePut; readonly answer: KeyPackagePutAnswer };
  readonly takeKeyPackage: { readonly request: IdentityKey; readonly answer: Uint8Array | undefined };
  readonly putHybridKey: { readonly request: HybridKeyPut; readonly answer: undefined };
  readonly read: { readonly request: ReadQuery; readonly answer: ReadAnswer };
  readonly getHybridKeys: {
    readonly request: readonly IdentityKey[];
    readonly answer: readonly (HybridKey | undefined)[];
  };
  /** Does nothing: an answer tells that the store works. */
  readonly probe: { readonly request: undefined; readonly answer: undefined };
};
/** Every call of the store port, what it takes and what it answers. */
export type Calls = LogAndKeyCalls & AccountCalls & ChannelCalls & BlobCalls;
export type CallName = keyof Calls;

/** Those that change nothing. */
const readNames = [
  "read",
  "getHybridKeys",
  "accountOf",
  "accountOfIdentity",
  "listAccounts",
  "findTokens",
  "listDevices",
  "ownerOfDevice",
  "endpointOf",
  "deliveryTokenOf",
  "areBlocked",
  "membersOf",
  "readUpload",
  "readBlob",
  "blobBytesOf",
] as const satisfies readonly CallName[];
export type ReadName = (typeof readNames)[number];

const reads: ReadonlySet<CallName> = new Set(readNames);

export function isRead(name: CallName): name is ReadName {
  return reads.has(name);
}

export type Codec<N extends CallName> = {
  /** About how many bytes the request takes. */
  bytesOf(request: Calls[N]["request"]): number;
  writeRequest(writer: ByteWriter, request: Calls[N]["request"]): void;
  readRequest(reader: ByteReader): Calls[N]["request"];
  writeAnswer(writer: ByteWriter, answer: Calls[N]["answer"]): void;
  readAnswer(reader: ByteReader): Calls[N]["answer"];
};

/** More than any request has beside its payload. */
export const requestBytes = 128;

/** Times are integers in the file: its STRICT tables refuse 0.5 and infinity, and with them the whole batch. */
export function wholeMs(timeMs: number): number {
  return Math.min(Math.floor(timeMs), Number.MAX_SAFE_INTEGER);
}

export function readList<T>(reader: ByteReader, readOne: () => T): T[] {
  const list: T[] = [];
  for (let left = reader.u32(); left > 0; left--) list.push(readOne());
  return list;
}
