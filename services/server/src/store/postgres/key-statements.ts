/** KeyPackages and hybrid keys: one statement a call. */
import { createHash } from "node:crypto";
import type { IdentityKey } from "quicproquo-proto";
import type { HybridKeyPut, KeyPackagePutAnswer } from "../packing/codec.ts";
import { wholeMs } from "../packing/codec.ts";
import type { HybridKey, KeyPackagePut } from "../port.ts";
import type { Statement } from "./connector.ts";
import type { Link } from "./link.ts";
import { byteaArray, bytesOf } from "./parameters.ts";
import { queryRepeatedly } from "./tries.ts";

/** Migration 3 has the functions. */
const put: Statement = {
  name: "put_key_package",
  text: "SELECT is_stored, remaining FROM put_key_package($1, $2, $3, $4, $5, $6, $7)",
};
const take: Statement = { name: "take_key_package", text: "SELECT take_key_package($1, $2)" };
const putHybrid: Statement = {
  name: "put_hybrid_key",
  text: `
    INSERT INTO hybrid_key (identity, public_key, signature) VALUES ($1, $2, $3)
    ON CONFLICT (identity) DO UPDATE SET public_key = excluded.public_key, signature = excluded.signature`,
};
/** By the primary key. */
const getHybrid: Statement = {
  name: "get_hybrid_keys",
  text: `
    SELECT asked.n, k.public_key, k.signature FROM unnest($1::bytea[]) WITH ORDINALITY asked (identity, n)
    CROSS JOIN LATERAL (SELECT * FROM hybrid_key WHERE identity = asked.identity OFFSET 0) k`,
};

export async function putKeyPackage(link: Link, request: KeyPackagePut, nowMs: number): Promise<KeyPackagePutAnswer> {
  const values = [
    Buffer.from(request.identity),
    request.lastResort,
    createHash("sha256").update(request.keyPackage).digest(),
    wholeMs(request.expiresAtMs),
    Buffer.from(request.keyPackage),
    request.poolMax,
    nowMs,
  ];
  const [[isStored, remaining] = []] = await queryRepeatedly(link, { statement: put, values });
  return { kind: isStored === "t" ? "stored" : "full", remaining: Number(remaining) };
}

/** Repeated when the outcome is unknown: then a package may be lost, but none is ever handed out twice. */
export async function takeKeyPackage(
  link: Link,
  identity: IdentityKey,
  nowMs: number,
): Promise<Uint8Array | undefined> {
  const [[body] = []] = await queryRepeatedly(link, { statement: take, values: [Buffer.from(identity), nowMs] });
  return body === null || body === undefined ? undefined : bytesOf(body);
}

export async function putHybridKey(link: Link, { identity, key }: HybridKeyPut): Promise<undefined> {
  const values = [Buffer.from(identity), Buffer.from(key.hybridPublicKey), Buffer.from(key.signature)];
  await queryRepeatedly(link, { statement: putHybrid, values });
}

/** In the order asked for. */
export async function getHybridKeys(
  link: Link,
  identities: readonly IdentityKey[],
): Promise<readonly (HybridKey | undefined)[]> {
  const found = new Array<HybridKey | undefined>(identities.length).fill(undefined);
  const rows = await queryRepeatedly(link, { statement: getHybrid, values: [byteaArray(identities)] });
  for (const [n, publicKey, signature] of rows) {
    found[Number(n) - 1] = {
      hybridPublicKey: bytesOf(publicKey as string),
      signature: bytesOf(signature as string),
    };
  }
  return found;
}
