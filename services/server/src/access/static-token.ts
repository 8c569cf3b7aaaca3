/**
 * The static bearer token (QPQ_AUTH_TOKEN): its holder may act for every identity, so it suits one person or one trusted
 * team; the server says so loudly at start. Compared in constant time, by digest, so its length does not show either.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { protocolVersion, QpqError } from "quicproquo-proto";

/** Who calls, as far as the server knows. */
export type Caller = {
  /** 32 bytes that name the sender in message ids: all zero for the static token. */
  readonly sender: Uint8Array;
};

export type AuthFields = { readonly version: number; readonly accessToken: Uint8Array };

const staticCaller: Caller = { sender: new Uint8Array(32) };

export class StaticToken {
  readonly #digest: Uint8Array;

  constructor(token: string) {
    this.#digest = digestOf(Buffer.from(token));
  }

  /** E002_VERSION, E003_UNAUTHENTICATED (empty), E004_BAD_TOKEN. */
  authenticate(auth: AuthFields): Caller {
    if (auth.accessToken.length === 0) throw new QpqError("E003_UNAUTHENTICATED");
    if (auth.version !== protocolVersion) throw new QpqError("E002_VERSION", { fields: { version: auth.version } });
    if (!timingSafeEqual(digestOf(auth.accessToken), this.#digest)) throw new QpqError("E004_BAD_TOKEN");
    return staticCaller;
  }
}

function digestOf(token: Uint8Array): Uint8Array {
  return createHash("sha256").update(token).digest();
}
