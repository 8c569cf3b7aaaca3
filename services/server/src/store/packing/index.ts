/** Every packed call by its name. */
import { accountCodecs, channelCodecs } from "./account-calls.ts";
import { blobCodecs } from "./blob-calls.ts";
import { type CallName, type Codec, requestBytes } from "./codec.ts";
import { getHybridKeys, putHybridKey, putKeyPackage, takeKeyPackage } from "./key-calls.ts";
import { ack, append, commitGroup, read, sweep } from "./log-calls.ts";

export { accountCodecs, channelCodecs } from "./account-calls.ts";
export { blobCodecs } from "./blob-calls.ts";
export { type CallName, type Calls, isRead } from "./codec.ts";

const probe: Codec<"probe"> = {
  bytesOf: () => requestBytes,
  writeRequest: () => undefined,
  readRequest: () => undefined,
  writeAnswer: () => undefined,
  readAnswer: () => undefined,
};

export const codecs: { readonly [N in CallName]: Codec<N> } = {
  append,
  commitGroup,
  ack,
  sweep,
  putKeyPackage,
  takeKeyPackage,
  putHybridKey,
  read,
  getHybridKeys,
  ...accountCodecs,
  ...channelCodecs,
  ...blobCodecs,
  probe,
};

/** A call's place in this list is the byte that names it. */
export const callNames = Object.keys(codecs) as readonly CallName[];
