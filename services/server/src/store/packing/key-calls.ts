/** Packs the calls of KeyStore. */
import type { IdentityKey } from "quicproquo-proto";
import { type Codec, readList, requestBytes, wholeMs } from "./codec.ts";

export const putKeyPackage: Codec<"putKeyPackage"> = {
  bytesOf: (put) => requestBytes + put.keyPackage.length,
  writeRequest(writer, put) {
    writer.blob(put.identity);
    writer.blob(put.keyPackage);
    writer.f64(wholeMs(put.expiresAtMs));
    writer.u8(put.lastResort ? 1 : 0);
    writer.u32(put.poolMax);
  },
  readRequest: (reader) => ({
    identity: reader.blob() as IdentityKey,
    keyPackage: reader.blob(),
    expiresAtMs: reader.f64(),
    lastResort: reader.u8() === 1,
    poolMax: reader.u32(),
  }),
  writeAnswer(writer, answer) {
    writer.u8(answer.kind === "full" ? 1 : 0);
    writer.u32(answer.remaining);
  },
  readAnswer: (reader) => ({ kind: reader.u8() === 1 ? "full" : "stored", remaining: reader.u32() }),
};

export const takeKeyPackage: Codec<"takeKeyPackage"> = {
  // Counted by its answer, which may be 1 MiB though most are 306 B: a batch of takes must stay small in memory.
  bytesOf: () => 64 * 1024,
  writeRequest: (writer, identity) => writer.blob(identity),
  readRequest: (reader) => reader.blob() as IdentityKey,
  writeAnswer: (writer, answer) => writer.optionalBlob(answer),
  readAnswer: (reader) => reader.optionalBlob(),
};

export const putHybridKey: Codec<"putHybridKey"> = {
  bytesOf: ({ key }) => requestBytes + key.hybridPublicKey.length + key.signature.length,
  writeRequest(writer, { identity, key }) {
    writer.blob(identity);
    writer.blob(key.hybridPublicKey);
    writer.blob(key.signature);
  },
  readRequest: (reader) => ({
    identity: reader.blob() as IdentityKey,
    key: { hybridPublicKey: reader.blob(), signature: reader.blob() },
  }),
  writeAnswer: () => undefined,
  readAnswer: () => undefined,
};

export const getHybridKeys: Codec<"getHybridKeys"> = {
  bytesOf: (identities) => requestBytes * identities.length,
  writeRequest(writer, identities) {
    writer.u32(identities.length);
    for (const identity of identities) writer.blob(identity);
  },
  readRequest: (reader) => readList(reader, () => reader.blob() as IdentityKey),
  writeAnswer(writer, keys) {
    writer.u32(keys.length);
    for (const key of keys) {
      writer.optionalBlob(key?.hybridPublicKey);
      if (key !== undefined) writer.blob(key.signature);
    }
  },
  readAnswer: (reader) =>
    readList(reader, () => {
      const hybridPublicKey = reader.optionalBlob();
      return hybridPublicKey === undefined ? undefined : { hybridPublicKey, signature: reader.blob() };
    }),
};
