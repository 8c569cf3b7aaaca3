/** MessageLog and KeyStore as calls by name, for a store that carries them out elsewhere. */
import type { CallName, Calls } from "./packing/index.ts";
import type { Appended, KeyStore, MessageLog } from "./port.ts";

export type CarryOut = <N extends CallName>(name: N, request: Calls[N]["request"]) => Promise<Calls[N]["answer"]>;

export function logOver(call: CarryOut): MessageLog {
  return {
    append: async (entry) => (await call("append", [entry]))[0] as Appended,
    appendAll: (entries) => call("append", entries),
    commitGroup: (commit) => call("commitGroup", commit),
    read: (query) => call("read", query),
    ack: (inbox, upTo, storeEpoch) => call("ack", { inbox, upTo, storeEpoch }),
    sweep: (rowsMax) => call("sweep", rowsMax),
  };
}

export function keysOver(call: CarryOut): KeyStore {
  return {
    putKeyPackage: (put) => call("putKeyPackage", put),
    takeKeyPackage: (identity) => call("takeKeyPackage", identity),
    putHybridKey: (identity, key) => call("putHybridKey", { identity, key }),
    getHybridKeys: (identities) => call("getHybridKeys", identities),
  };
}
