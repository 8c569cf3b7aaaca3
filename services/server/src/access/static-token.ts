/**
 * The static bearer token (QPQ_AUTH_TOKEN): its holder may act for every identity, so it suits one person or one trusted
 * team; the server says so loudly at start. Compared in constant time.
 */
import { timingSafeEqual } from "node:crypto";
import { protocolVersion, QpqError } from "quicproquo-proto";
import type { Access, AuthFields, Caller } from "./access.ts";

const staticCaller: Caller = {
  kind: "static",
  sender: new Uint8Array(32),
  account: undefined,
  actsFor: undefined,
  tokenHash: undefined,
  expiresAtMs: undefined,
};

export class StaticToken implements Access {
  readonly #token: Uint8Array;

  constructor(token: string) {
    this.#token = Buffer.from(token);
  }

  /** E002_VERSION, E003_UNAUTHENTICATED (empty), E004_BAD_TOKEN. */
  authenticate(auth: AuthFields): Caller {
    if (auth.accessToken.length === 0) throw new QpqError("E003_UNAUTHENTICATED");
    if (auth.version !== protocolVersion) throw new QpqError("E002_VERSION", { fields: { version: auth.version } });
    if (!isSame(auth.accessToken, this.#token)) throw new QpqError("E004_BAD_TOKEN");
    return staticCaller;
  }
}

/** Tells the length by its time, as every comparison does; a generated token's is public. */
function isSame(given: Uint8Array, token: Uint8Array): boolean {
  return given.length === token.length && timingSafeEqual(given, token);
}
