/** The ports as calls by name, for a store that carries them out elsewhere. */
import { accountCodecs, blobCodecs, type CallName, type Calls, channelCodecs } from "./packing/index.ts";
import type { Appended, KeyStore, MessageLog, Store } from "./port.ts";

export type CarryOut = <N extends CallName>(name: N, request: Calls[N]["request"]) => Promise<Calls[N]["answer"]>;

/** All of them. */
export function portsOver(call: CarryOut): Pick<Store, "log" | "keys" | "accounts" | "channels" | "blobs"> {
  return {
    log: logOver(call),
    keys: keysOver(call),
    accounts: {
      ...over(call, accountCodecs),
      async deleteAccount(identity) {
        while (!(await call("deleteAccountStep", identity)));
      },
    },
    channels: over(call, channelCodecs),
    blobs: over(call, blobCodecs),
  };
}

/** A method a call, which takes the call's request. */
function over<N extends CallName>(call: CarryOut, codecs: { readonly [Name in N]: unknown }) {
  const methods = Object.keys(codecs).map((name) => [name, (request: never) => call(name as N, request)]);
  return Object.fromEntries(methods) as {
    readonly [Name in N]: (request: Calls[Name]["request"]) => Promise<Calls[Name]["answer"]>;
  };
}

function logOver(call: CarryOut): MessageLog {
  return {
    append: (entry) => call("append", [entry]).then(onlyOf),
    appendAll: (entries) => call("append", entries),
    commitGroup: (commit) => call("commitGroup", commit),
    read: (query) => call("read", query),
    ack: (inbox, upTo, storeEpoch) => call("ack", { inbox, upTo, storeEpoch }),
    sweep: (rowsMax) => call("sweep", rowsMax),
  };
}

function onlyOf([appended]: readonly Appended[]): Appended {
  return appended as Appended;
}

function keysOver(call: CarryOut): KeyStore {
  return {
    putKeyPackage: (put) => call("putKeyPackage", put),
    takeKeyPackage: (identity) => call("takeKeyPackage", identity),
    putHybridKey: (identity, key) => call("putHybridKey", { identity, key }),
    getHybridKeys: (identities) => call("getHybridKeys", identities),
  };
}
