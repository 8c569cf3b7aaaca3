/**
 * The MLS suite 0x0001 for ts-mls on node:crypto, without waiting for a thread pool: every primitive answers at once, and
 * the promises that ts-mls wants are already settled. Wire-compatible with the WebCrypto one (crypto-web.ts), which a
 * browser takes through the same name `#mls-crypto`; at 100 members an add takes 10 ms instead of 77 (npm run bench -- mls).
 */
import { createPublicKey, hash, randomBytes, timingSafeEqual, verify } from "node:crypto";
import * as hpke from "./hpke-node.ts";
import { hashBytes, hkdfExpand, hkdfExtract, hmacSha256 } from "./kdf-node.ts";
import { suiteName } from "./suite-name.ts";
import type { CiphersuiteImpl, Hpke, PrivateKey, PublicKey } from "./ts-mls.ts";

export { wipeKeyCache } from "./hpke-node.ts";

const ed25519KeyBytes = 32;
const signatureBytes = 64;
const none = new Uint8Array(0);

/** What stands behind the opaque key types of ts-mls here: the raw 32 bytes. */
type RawKey = { readonly raw: Uint8Array };

export const mlsCrypto: CiphersuiteImpl = {
  name: suiteName,
  rng: { randomBytes: (bytes) => new Uint8Array(randomBytes(bytes)) },
  hash: {
    digest: async (data) => sha256(data),
    mac: async (key, data) => hmacSha256(key, data),
    async verifyMac(key, mac, data) {
      const right = hmacSha256(key, data);
      return mac.length === right.length && timingSafeEqual(mac, right);
    },
  },
  kdf: {
    size: hashBytes,
    extract: async (salt, inputKey) => hkdfExtract(salt, inputKey),
    expand: async (key, info, bytes) => hkdfExpand(key, info, bytes),
  },
  signature: {
    // Identities sign, and their private keys never come here (suite.ts).
    sign: () => Promise.reject(new TypeError("no signing key here")),
    keygen: () => Promise.reject(new TypeError("no signing key here")),
    async verify(publicKey, message, signature) {
      if (publicKey.length !== ed25519KeyBytes || signature.length !== signatureBytes) return false;
      const key = createPublicKey({ key: publicKey, format: "raw-public", asymmetricKeyType: "ed25519" });
      return verify(null, message, key, signature);
    },
  },
  hpke: {
    keyLength: hpke.aeadKeyBytes,
    nonceLength: hpke.aeadNonceBytes,
    encryptAead: async (key, nonce, aad, plaintext) => hpke.aeadSeal({ key, nonce, aad: aad ?? none }, plaintext),
    decryptAead: async (key, nonce, aad, sealed) => hpke.aeadOpen({ key, nonce, aad: aad ?? none }, sealed),
    seal: async (key, plaintext, info, aad) => hpke.seal(rawOf(key), { info, aad: aad ?? none }, plaintext),
    open: async (key, enc, sealed, info, aad) => hpke.open(rawOf(key), { enc, info, aad: aad ?? none }, sealed),
    exportSecret: async (key, context, bytes, info) => hpke.sealExport(rawOf(key), { info, context, bytes }),
    importSecret: async (key, context, enc, bytes, info) => hpke.openExport(rawOf(key), enc, { info, context, bytes }),
    importPublicKey: async (raw) => publicKey(raw),
    importPrivateKey: async (raw) => privateKey(raw),
    exportPublicKey: async (key) => rawOf(key),
    exportPrivateKey: async (key) => rawOf(key),
    deriveKeyPair: async (inputKey) => keyPair(hpke.derivePrivateKey(inputKey)),
    generateKeyPair: async () => keyPair(hpke.generatePrivateKey()),
  } satisfies Hpke,
};

function sha256(data: Uint8Array): Uint8Array {
  return new Uint8Array(hash("sha256", data, "buffer"));
}

/** The public half is computed when it is asked for: of a path's keys, ts-mls wants the private half only. */
function keyPair(raw: Uint8Array): { privateKey: PrivateKey; publicKey: PublicKey } {
  let publicRaw: Uint8Array | undefined;
  const lazy: RawKey = {
    get raw() {
      publicRaw ??= hpke.publicKeyOf(raw);
      return publicRaw;
    },
  };
  return { privateKey: privateKey(raw), publicKey: lazy as unknown as PublicKey };
}

function publicKey(raw: Uint8Array): PublicKey {
  return { raw: hpke.requireKeyLength(raw) } satisfies RawKey as unknown as PublicKey;
}

function privateKey(raw: Uint8Array): PrivateKey {
  return { raw: hpke.requireKeyLength(raw) } satisfies RawKey as unknown as PrivateKey;
}

function rawOf(key: PublicKey | PrivateKey): Uint8Array {
  return (key as unknown as RawKey).raw;
}
