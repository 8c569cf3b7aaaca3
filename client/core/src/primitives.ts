/**
 * The port to a platform's cryptography: what identity, hybrid keys, envelopes and the state form need, and nothing
 * more. `#primitives` in package.json names the implementation, so a browser's can stand beside Node's.
 *
 * Every implementation promises: inputs of another length than documented throw a TypeError before any work (our own
 * callers parse first, so that is a broken invariant); bytes that come from a peer never throw but give undefined or
 * false; what is returned is a fresh Uint8Array that belongs to the caller; arguments are neither kept nor changed;
 * private keys print as "[secret]".
 */

/** An Ed25519 private key (RFC 8032). */
export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
  /** The 32-byte seed; the caller wipes it. */
  exportSeed(): Uint8Array;
}

/** An X25519 private key (RFC 7748). */
export interface AgreementKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes, or undefined when the result is all zero, i.e. the peer's key is a low-order point (RFC 7748 section 6.1). */
  agree(peerPublicKey: Uint8Array): Uint8Array | undefined;
  /** The 32-byte scalar before clamping; the caller wipes it. */
  exportSeed(): Uint8Array;
}

/** An ML-KEM-768 decapsulation key (FIPS 203). */
export interface KemKey {
  /** The encapsulation key, 1184 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes for any 1088-byte ciphertext: an altered one gives another secret (implicit rejection), never an error. */
  decapsulate(ciphertext: Uint8Array): Uint8Array;
  /** d || z, 64 bytes; the caller wipes it. */
  exportSeed(): Uint8Array;
}

export type Encapsulated = {
  /** 32 bytes; the caller wipes it. */
  readonly sharedSecret: Uint8Array;
  /** 1088 bytes. */
  readonly ciphertext: Uint8Array;
};

export type Argon2idOptions = {
  readonly password: Uint8Array;
  readonly salt: Uint8Array;
  readonly memoryKib: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly keyBytes: number;
};

export type HkdfOptions = {
  readonly inputKey: Uint8Array;
  readonly salt: Uint8Array;
  readonly info: Uint8Array;
  readonly keyBytes: number;
};

export type AeadOptions = {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
};

export interface Primitives {
  /** From the operating system. It is no argument anywhere: a repeated ephemeral key or nonce would open envelopes. */
  randomBytes(bytes: number): Uint8Array;
  /** Of the parts one after the other, 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** RFC 5869. */
  hkdfSha256(options: HkdfOptions): Uint8Array;
  /** RFC 9106. Off the main thread: 29 ms at 19 MiB and 2 passes. */
  argon2id(options: Argon2idOptions): Promise<Uint8Array>;
  /** ChaCha20-Poly1305 (RFC 8439): ciphertext || 16-byte tag. */
  seal(options: AeadOptions, plaintext: Uint8Array): Uint8Array;
  /** undefined when the tag is wrong; no byte of plaintext is given out before the tag was checked. */
  open(options: AeadOptions, sealed: Uint8Array): Uint8Array | undefined;
  /** From a 32-byte seed. */
  signingKey(seed: Uint8Array): SigningKey;
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** From a 32-byte scalar, clamped in use. */
  agreementKey(seed: Uint8Array): AgreementKey;
  /** From the 64-byte seed d || z. */
  kemKey(seed: Uint8Array): KemKey;
  /** undefined when the 1184 bytes fail FIPS 203's encapsulation key check (a coefficient of 3329 or more). */
  encapsulate(publicKey: Uint8Array): Encapsulated | undefined;
}
