/** What both sides of a login (docs/wire.md, Login) must do alike: names, the bytes of a proof, stretching. */
import { QpqError } from "./errors.ts";
import type { IdentityKey } from "./ids.ts";

declare const brand: unique symbol;
/** A user name in the one form in which it is compared, proved and stored. */
export type Username = string & { readonly [brand]: "Username" };

const usernameBytesMax = 64;

/**
 * Case and width don't tell two names apart: NFKC, lower case. Then 1 to 64 bytes of UTF-8: letters, digits and their
 * marks, and `. _ + @ -` behind the first. E065_USERNAME. Taken once more it stays as it is.
 */
export function parseUsername(text: string): Username {
  const name = text.normalize("NFKC").toLowerCase().normalize("NFKC");
  const isGood = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._+@-]*$/u.test(name);
  if (!isGood || new TextEncoder().encode(name).length > usernameBytesMax) throw new QpqError("E065_USERNAME");
  return name as Username;
}

export type IdentityProofFields = {
  readonly username: Username;
  readonly identityKey: IdentityKey;
  /** Of the server's OPAQUE key pair, 32 bytes: a proof made for one server proves nothing to another. */
  readonly serverPublicKey: Uint8Array;
  /** SHA-256(upload) at registration, SHA-256(request || response || finalization) at login. */
  readonly transcriptHash: Uint8Array;
};

/**
 * What identityProof signs behind its label (register or login) and a zero byte. All but the name have fixed sizes, so
 * no two proofs are of the same bytes.
 */
export function identityProofParts(fields: IdentityProofFields): readonly Uint8Array[] {
  const { username, identityKey, serverPublicKey, transcriptHash } = fields;
  return [new TextEncoder().encode(username), identityKey, serverPublicKey, transcriptHash];
}

export type StretchingProfile = {
  readonly memoryKiB: number;
  readonly iterations: number;
  readonly parallelism: number;
};

/**
 * How a client stretches a password (Argon2id, RFC 9106), by the number that the server keeps with an account: the second
 * of the two that RFC 9106 section 4 recommends. A number keeps its meaning for ever.
 */
export const stretchingProfiles: Readonly<Record<number, StretchingProfile>> = {
  1: { memoryKiB: 65_536, iterations: 3, parallelism: 4 },
};

/** Of every registration today. */
export const stretchingOfNewAccounts = 1;
