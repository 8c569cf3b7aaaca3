/**
 * The primitives on node:crypto (OpenSSL 3.5: ML-KEM, X25519, Ed25519, ChaCha20-Poly1305, Argon2id). Beside `mls/*-node.ts`
 * the only file of this package that touches node:crypto. Private keys are KeyObjects, so their bytes stay out of the
 * JavaScript heap; keys go in and out in raw form, never as DER: createPrivateKey accepts junk after a DER key.
 */
import {
  argon2,
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import type {
  AeadOptions,
  AgreementKey,
  Argon2idOptions,
  Encapsulated,
  HkdfOptions,
  KemKey,
  Primitives,
  SigningKey,
} from "./primitives.ts";
import { inspectSymbol, secretText } from "./secret.ts";

type KeyType = "ed25519" | "x25519" | "ml-kem-768";

const seedBytes = { ed25519: 32, x25519: 32, "ml-kem-768": 64 } as const satisfies Record<KeyType, number>;
const publicKeyBytes = { ed25519: 32, x25519: 32, "ml-kem-768": 1184 } as const satisfies Record<KeyType, number>;
const kemCiphertextBytes = 1088;
const aeadKeyBytes = 32;
const aeadNonceBytes = 12;
const aeadTagBytes = 16;
const aead = "chacha20-poly1305";

/** A view without Buffer's own methods: Buffer.slice shares memory where Uint8Array.slice copies. */
function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function requireLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new TypeError(`${what} must be ${length} bytes, not ${bytes.length}`);
}

function importPrivate(type: KeyType, seed: Uint8Array): KeyObject {
  requireLength(seed, seedBytes[type], `${type} seed`);
  const format = type === "ml-kem-768" ? "raw-seed" : "raw-private";
  return createPrivateKey({ key: seed, format, asymmetricKeyType: type });
}

/** undefined when OpenSSL refuses the key, which it does only for ML-KEM: any 32 bytes are an X25519 or Ed25519 key to it. */
function importPublic(type: KeyType, bytes: Uint8Array): KeyObject | undefined {
  requireLength(bytes, publicKeyBytes[type], `${type} public key`);
  try {
    return createPublicKey({ key: bytes, format: "raw-public", asymmetricKeyType: type });
  } catch {
    return undefined;
  }
}

/** What the three kinds of private key have in common. */
class PrivateKey {
  readonly publicKey: Uint8Array;
  readonly #type: KeyType;
  readonly #key: KeyObject;

  constructor(type: KeyType, seed: Uint8Array) {
    this.#type = type;
    this.#key = importPrivate(type, seed);
    this.publicKey = plainBytes(createPublicKey(this.#key).export({ format: "raw-public" }));
  }

  sign(message: Uint8Array): Uint8Array {
    return plainBytes(sign(null, message, this.#key));
  }

  agree(peerPublicKey: Uint8Array): Uint8Array | undefined {
    const publicKey = importPublic("x25519", peerPublicKey);
    if (publicKey === undefined) return undefined;
    let shared: Uint8Array;
    try {
      shared = plainBytes(diffieHellman({ privateKey: this.#key, publicKey }));
    } catch {
      return undefined; // OpenSSL itself refuses an all-zero result
    }
    // Checked again here: another TLS library under Node (BoringSSL in Electron) may leave it to the caller.
    return shared.every((byte) => byte === 0) ? undefined : shared;
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array {
    requireLength(ciphertext, kemCiphertextBytes, "ML-KEM-768 ciphertext");
    return plainBytes(decapsulate(this.#key, ciphertext));
  }

  exportSeed(): Uint8Array {
    return plainBytes(this.#key.export({ format: this.#type === "ml-kem-768" ? "raw-seed" : "raw-private" }));
  }

  toJSON(): string {
    return secretText;
  }

  toString(): string {
    return secretText;
  }

  [inspectSymbol](): string {
    return secretText;
  }
}

function checkAead(options: AeadOptions): void {
  requireLength(options.key, aeadKeyBytes, "AEAD key");
  requireLength(options.nonce, aeadNonceBytes, "AEAD nonce");
}

export const primitives: Primitives = {
  randomBytes: (bytes: number): Uint8Array => plainBytes(randomBytes(bytes)),

  sha256(...parts: readonly Uint8Array[]): Uint8Array {
    const hash = createHash("sha256");
    for (const part of parts) hash.update(part);
    return plainBytes(hash.digest());
  },

  hkdfSha256: ({ inputKey, salt, info, keyBytes }: HkdfOptions): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", inputKey, salt, info, keyBytes)),

  argon2id({ password, salt, memoryKib, passes, parallelism, keyBytes }: Argon2idOptions): Promise<Uint8Array> {
    const parameters = { message: password, nonce: salt, memory: memoryKib, passes, parallelism, tagLength: keyBytes };
    return new Promise((resolve, reject) => {
      argon2("argon2id", parameters, (error, key) => (error ? reject(error) : resolve(plainBytes(key))));
    });
  },

  seal(options: AeadOptions, plaintext: Uint8Array): Uint8Array {
    checkAead(options);
    const cipher = createCipheriv(aead, options.key, options.nonce, { authTagLength: aeadTagBytes });
    cipher.setAAD(options.aad, { plaintextLength: plaintext.length });
    return plainBytes(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
  },

  open(options: AeadOptions, sealed: Uint8Array): Uint8Array | undefined {
    checkAead(options);
    const textBytes = sealed.length - aeadTagBytes;
    if (textBytes < 0) return undefined;
    const decipher = createDecipheriv(aead, options.key, options.nonce, { authTagLength: aeadTagBytes });
    decipher.setAAD(options.aad, { plaintextLength: textBytes });
    decipher.setAuthTag(sealed.subarray(textBytes));
    const plaintext = decipher.update(sealed.subarray(0, textBytes));
    try {
      decipher.final();
    } catch {
      plaintext.fill(0); // update() decrypts before the tag is known to be right
      return undefined;
    }
    return plainBytes(plaintext);
  },

  signingKey: (seed: Uint8Array): SigningKey => new PrivateKey("ed25519", seed),

  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    const key = importPublic("ed25519", publicKey);
    return key !== undefined && verify(null, message, key, signature);
  },

  agreementKey: (seed: Uint8Array): AgreementKey => new PrivateKey("x25519", seed),

  kemKey: (seed: Uint8Array): KemKey => new PrivateKey("ml-kem-768", seed),

  encapsulate(publicKey: Uint8Array): Encapsulated | undefined {
    const key = importPublic("ml-kem-768", publicKey);
    if (key === undefined) return undefined;
    const { sharedKey, ciphertext } = encapsulate(key);
    return { sharedSecret: plainBytes(sharedKey), ciphertext: plainBytes(ciphertext) };
  },
};
