/** Both crypto providers of the product as ts-mls takes them, signing with a raw seed as the vectors want it. */
import { Identity } from "quicproquo-core";
import type { CiphersuiteImpl } from "ts-mls";
import { mlsCrypto as nodeCrypto } from "../../src/mls/crypto-node.ts";
import { mlsCrypto as webCrypto } from "../../src/mls/crypto-web.ts";

function signing(crypto: CiphersuiteImpl): CiphersuiteImpl {
  const sign = async (seed: Uint8Array, content: Uint8Array) => Identity.fromSeed(seed).signMls(content);
  return { ...crypto, signature: { ...crypto.signature, sign } };
}

export const suites: readonly (readonly [name: string, suite: CiphersuiteImpl])[] = [
  ["node:crypto", signing(nodeCrypto)],
  ["WebCrypto", signing(webCrypto)],
];
