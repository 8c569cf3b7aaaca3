/**
 * The access tokens of one front-end: the static bearer token (QPQ_AUTH_TOKEN), and session tokens. The holder of the
 * static one may act for every identity, so it suits one person or one trusted team; the server says so loudly at start.
 */
import { timingSafeEqual } from "node:crypto";
import { protocolVersion, QpqError, sizes } from "quicproquo-proto";
import type { Access, AuthFields, Caller } from "./access.ts";
import type { SessionTokens } from "./session-tokens.ts";

const staticCaller: Caller = {
  kind: "static",
  sender: new Uint8Array(32),
  account: undefined,
  actsFor: undefined,
  tokenHash: undefined,
  expiresAtMs: undefined,
};

export class AccessTokens implements Access {
  readonly #staticToken: Uint8Array | undefined;
  readonly #sessions: SessionTokens;

  /** `staticToken`: undefined = there is none. */
  constructor(staticToken: string | undefined, sessions: SessionTokens) {
    this.#staticToken = staticToken === undefined ? undefined : Buffer.from(staticToken);
    this.#sessions = sessions;
  }

  authenticate({ version, accessToken }: AuthFields): Caller | Promise<Caller> {
    if (accessToken.length === 0) throw new QpqError("E003_UNAUTHENTICATED");
    if (version !== protocolVersion) throw new QpqError("E002_VERSION", { fields: { version } });
    if (isSame(accessToken, this.#staticToken)) return staticCaller;
    if (accessToken.length !== sizes.sessionToken) throw new QpqError("E004_BAD_TOKEN");
    return this.#sessions.find(accessToken);
  }

  watch(caller: Caller, onEnd: () => void): () => void {
    return this.#sessions.watch(caller, onEnd);
  }
}

/** In constant time. Tells the length by its time, as every comparison does; a generated token's is public. */
function isSame(given: Uint8Array, token: Uint8Array | undefined): boolean {
  return token !== undefined && given.length === token.length && timingSafeEqual(given, token);
}
