/**
 * KeyPackages: what a member-to-be leaves on the server so that others can add it while it is away. Ours live 24 hours
 * and are used once; one last-resort package lives 30 days and may be used again when the pool is empty, at the price
 * that its users share an init key. A peer's is parsed here and nowhere else.
 *
 * On the wire a package is an MLSMessage (300 bytes and a header of 4); its hash over those bytes is the server's
 * fingerprint.
 */
import { type IdentityKey, limits, parseIdentityKey, QpqError } from "quicproquo-proto";
import type { Identity } from "../identity.ts";
import { inspectSymbol, secretText } from "../secret.ts";
import { equalBytes } from "./bytes.ts";
import { credentialOf, credentialTypes, identityOfLeaf } from "./credential.ts";
import { decodeMessage, encodeMessage } from "./message.ts";
import { noSigningKey, suite, suiteOf } from "./suite.ts";
import { suiteName } from "./suite-name.ts";
import {
  generateKeyPackageWithKey,
  type KeyPackage,
  makeKeyPackageRef,
  type PrivateKeyPackage,
  verifyKeyPackage,
  verifyLeafNodeSignatureKeyPackage,
} from "./ts-mls.ts";

/** A reader's clock may be this far behind. */
const clockSkewSecs = 3_600;
/**
 * The longest life that is accepted of others: the longest that this product makes, and a day for their skew. Whoever
 * holds a package's private key can read what is sealed to it for as long as it lives.
 */
export const keyPackageLifeSecsMax: number = limits.lastResortLifeSecs.default + clockSkewSecs + 86_400;

/** last_resort of the MLS extensions draft (OpenMLS knows it by the same number): in the package, and in its capabilities. */
const lastResortExtension = 0x000a;

const keyBytes = 32;
const encodedVersion = 1;
const refAt = 2;
const initKeyAt = refAt + 32;
const leafKeyAt = initKeyAt + keyBytes;
const publicAt = leafKeyAt + keyBytes;

export type GenerateOptions = { readonly nowMs: number; readonly lastResort: boolean };

/** One of our own, with its two private keys. */
export class MlsKeyPackage {
  /** What is uploaded. */
  readonly public: Uint8Array;
  /** 32 bytes, the KeyPackageRef by which a Welcome names it. */
  readonly ref: Uint8Array;
  readonly lastResort: boolean;
  /** When it is of no more use; its record may be deleted some days later, when every Welcome on its way has arrived. */
  readonly notAfterMs: number;
  readonly #keyPackage: KeyPackage;
  readonly #initKey: Uint8Array;
  readonly #leafKey: Uint8Array;

  private constructor(fields: { keyPackage: KeyPackage; ref: Uint8Array; initKey: Uint8Array; leafKey: Uint8Array }) {
    this.#keyPackage = fields.keyPackage;
    this.#initKey = fields.initKey;
    this.#leafKey = fields.leafKey;
    this.ref = fields.ref;
    this.public = encodeKeyPackage(fields.keyPackage);
    this.lastResort = isLastResort(fields.keyPackage);
    this.notAfterMs = notAfterMsOf(fields.keyPackage);
  }

  static async generate(me: Identity, { nowMs, lastResort }: GenerateOptions): Promise<MlsKeyPackage> {
    const nowSecs = Math.floor(nowMs / 1000);
    const lifeSecs = (lastResort ? limits.lastResortLifeSecs : limits.keyPackageLifeSecs).default;
    const { publicPackage, privatePackage } = await generateKeyPackageWithKey(
      credentialOf(me),
      {
        versions: ["mls10"],
        ciphersuites: [suiteName],
        extensions: lastResort ? [lastResortExtension] : [],
        proposals: [],
        credentials: credentialTypes,
      },
      { notBefore: BigInt(nowSecs - clockSkewSecs), notAfter: BigInt(nowSecs + lifeSecs) },
      lastResort ? [{ extensionType: lastResortExtension, extensionData: new Uint8Array(0) }] : [],
      { signKey: noSigningKey, publicKey: me.identityKey },
      suiteOf(me),
    );
    return new MlsKeyPackage({
      keyPackage: publicPackage,
      ref: await makeKeyPackageRef(publicPackage, suite.hash),
      initKey: privatePackage.initPrivateKey,
      leafKey: privatePackage.hpkePrivateKey,
    });
  }

  /** `version 1 | last resort 1 | ref 32 | init key 32 | leaf key 32 | public`: for an encrypted record. */
  encode(): Uint8Array {
    const bytes = new Uint8Array(publicAt + this.public.length);
    bytes[0] = encodedVersion;
    bytes[1] = this.lastResort ? 1 : 0;
    bytes.set(this.ref, refAt);
    bytes.set(this.#initKey, initKeyAt);
    bytes.set(this.#leafKey, leafKeyAt);
    bytes.set(this.public, publicAt);
    return bytes;
  }

  /** Copies. E057_GROUP_STATE for anything but bytes of {@link encode}. */
  static decode(bytes: Uint8Array): MlsKeyPackage {
    const message = bytes[0] === encodedVersion ? decodeMessage(bytes.subarray(publicAt)) : undefined;
    if (message?.wireformat !== "mls_key_package") {
      throw new QpqError("E057_GROUP_STATE", { text: "the stored KeyPackage cannot be used" });
    }
    return new MlsKeyPackage({
      keyPackage: message.keyPackage,
      ref: Uint8Array.from(bytes.subarray(refAt, initKeyAt)),
      initKey: Uint8Array.from(bytes.subarray(initKeyAt, leafKeyAt)),
      leafKey: Uint8Array.from(bytes.subarray(leafKeyAt, publicAt)),
    });
  }

  /** For MlsGroup: both halves as ts-mls wants them. Copies of the keys, which the group takes over. */
  halves(): { readonly publicPackage: KeyPackage; readonly privatePackage: PrivateKeyPackage } {
    return {
      publicPackage: this.#keyPackage,
      privatePackage: {
        initPrivateKey: Uint8Array.from(this.#initKey),
        hpkePrivateKey: Uint8Array.from(this.#leafKey),
        signaturePrivateKey: noSigningKey,
      },
    };
  }

  /** Overwrites the private keys: after the record of a used package is deleted. */
  wipe(): void {
    this.#initKey.fill(0);
    this.#leafKey.fill(0);
  }

  toString(): string {
    return secretText;
  }

  toJSON(): string {
    return secretText;
  }

  [inspectSymbol](): string {
    return secretText;
  }
}

declare const checked: unique symbol;

/** A peer's package that passed {@link parseKeyPackage}: the only kind that can be added to a group. */
export type PeerKeyPackage = {
  readonly identityKey: IdentityKey;
  readonly ref: Uint8Array;
  readonly lastResort: boolean;
  readonly notAfterMs: number;
  readonly keyPackage: KeyPackage;
  readonly [checked]: true;
};

/**
 * The package when all of it holds, else E055_KEY_PACKAGE with the reason: an MLSMessage with nothing behind it, our
 * suite and version, both signatures, a credential that is `expected` (the identity that was asked for: the server picks
 * the answer), a lifetime that holds at `nowMs` and isn't longer than {@link keyPackageLifeSecsMax}.
 */
export async function parseKeyPackage(
  bytes: Uint8Array,
  expected: IdentityKey,
  nowMs: number,
): Promise<PeerKeyPackage> {
  const message = decodeMessage(bytes);
  if (message?.wireformat !== "mls_key_package") throw refused("it is malformed");
  const { keyPackage } = message;
  // The ref is a hash over ts-mls's own encoding: a package that it would write differently would get another's ref.
  if (!equalBytes(encodeKeyPackage(keyPackage), bytes)) throw refused("it is not in its shortest form");
  const { leafNode } = keyPackage;
  if (keyPackage.version !== "mls10" || keyPackage.cipherSuite !== suiteName) throw refused("it is for another suite");
  const identity = identityOfLeaf(leafNode);
  if (identity === undefined || !equalBytes(identity, expected)) throw refused("it is another identity's");
  if (equalBytes(keyPackage.initKey, leafNode.hpkePublicKey)) throw refused("its init key is its leaf key");
  if (keyPackage.initKey.length !== keyBytes || leafNode.hpkePublicKey.length !== keyBytes) {
    throw refused("a key has a wrong length");
  }
  const { notBefore, notAfter } = leafNode.lifetime;
  const nowSecs = BigInt(Math.floor(nowMs / 1000));
  if (notAfter < nowSecs) throw refused("it has expired");
  if (notBefore > nowSecs) throw refused("it is not valid yet; check this machine's clock");
  if (notAfter - notBefore > BigInt(keyPackageLifeSecsMax)) throw refused("it lives too long");
  const genuine =
    (await verifyLeafNodeSignatureKeyPackage(leafNode, suite.signature)) &&
    (await verifyKeyPackage(keyPackage, suite.signature));
  if (!genuine) throw refused("a signature is wrong");
  return {
    identityKey: parseIdentityKey(identity),
    ref: await makeKeyPackageRef(keyPackage, suite.hash),
    lastResort: isLastResort(keyPackage),
    notAfterMs: notAfterMsOf(keyPackage),
    keyPackage,
  } as PeerKeyPackage;
}

function encodeKeyPackage(keyPackage: KeyPackage): Uint8Array {
  return encodeMessage({ version: "mls10", wireformat: "mls_key_package", keyPackage });
}

function isLastResort(keyPackage: KeyPackage): boolean {
  return keyPackage.extensions.some(({ extensionType }) => extensionType === lastResortExtension);
}

function notAfterMsOf(keyPackage: KeyPackage): number {
  return Number(keyPackage.leafNode.lifetime.notAfter) * 1000;
}

function refused(why: string): QpqError {
  return new QpqError("E055_KEY_PACKAGE", { text: `the KeyPackage is refused: ${why}` });
}
