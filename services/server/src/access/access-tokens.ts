/**
 * The access tokens of one front-end: the static bearer token (QPQ_AUTH_TOKEN), session tokens, and delivery tokens where
 * sealed senders are allowed. The holder of the static one may act for every identity, so it suits one person or one
 * trusted team; the server says so loudly at start.
 */
import { timingSafeEqual } from "node:crypto";
import { protocolVersion, QpqError, sizes } from "quicproquo-proto";
import type { Access, Arrival, AuthFields, Caller } from "./access.ts";
import type { CallRates } from "./call-rates.ts";
import type { DeliveryTokens } from "./delivery-tokens.ts";
import type { SessionTokens } from "./session-tokens.ts";

const staticCaller: Caller = {
  kind: "static",
  sender: new Uint8Array(32),
  account: undefined,
  actsFor: undefined,
  tokenHash: undefined,
  expiresAtMs: undefined,
};

export type AccessTokensParts = {
  readonly tokens: SessionTokens;
  readonly deliveryTokens: DeliveryTokens;
  readonly allowsSealed: boolean;
  readonly callRates: CallRates;
};

export class AccessTokens implements Access {
  readonly #staticToken: Uint8Array | undefined;
  readonly #parts: AccessTokensParts;

  /** `staticToken`: undefined = there is none. */
  constructor(staticToken: string | undefined, parts: AccessTokensParts) {
    this.#staticToken = staticToken === undefined ? undefined : Buffer.from(staticToken);
    this.#parts = parts;
  }

  authenticate(
    { version, accessToken }: AuthFields,
    arrival: Arrival,
    sealedTo: Uint8Array | undefined,
  ): Caller | Promise<Caller> {
    if (accessToken.length === 0) throw new QpqError("E003_UNAUTHENTICATED");
    if (version !== protocolVersion) throw new QpqError("E002_VERSION", { fields: { version } });
    if (isSame(accessToken, this.#staticToken)) return staticCaller;
    this.#parts.callRates.requireNetwork(arrival.network);
    if (accessToken.length !== sizes.sessionToken) throw new QpqError("E004_BAD_TOKEN");
    const caller =
      sealedTo !== undefined && this.#parts.allowsSealed
        ? this.#findSender(accessToken, sealedTo)
        : this.#parts.tokens.find(accessToken);
    // no promise for a token that is known: most calls
    return caller instanceof Promise ? caller.then((found) => this.#counted(found)) : this.#counted(caller);
  }

  confirm(caller: Caller): Promise<void> {
    return this.#parts.tokens.confirm(caller);
  }

  watch(caller: Caller, onEnd: () => void): () => void {
    return this.#parts.tokens.watch(caller, onEnd);
  }

  countSessionCall({ account }: Caller): void {
    if (account !== undefined) this.#parts.callRates.requireSession(account);
  }

  /** By a session token, or by the recipient's delivery token. */
  #findSender(accessToken: Uint8Array, recipientKey: Uint8Array): Caller | Promise<Caller> {
    const { tokens, deliveryTokens } = this.#parts;
    const sealed = deliveryTokens.findKnown(accessToken, recipientKey);
    if (sealed !== undefined) return sealed;
    const caller = tokens.find(accessToken);
    if (!(caller instanceof Promise)) return caller;
    // the call's bytes are gone by then
    const [token, recipient] = [Uint8Array.from(accessToken), Uint8Array.from(recipientKey)];
    return caller.catch(async (error: unknown) => {
      const isUnknown = error instanceof QpqError && error.code === "E005_SESSION_EXPIRED";
      const found = isUnknown ? await deliveryTokens.find(token, recipient) : undefined;
      if (found === undefined) throw error;
      return found;
    });
  }

  #counted(caller: Caller): Caller {
    if (caller.account !== undefined) this.#parts.callRates.requireAccount(caller.account);
    return caller;
  }
}

/** In constant time. Tells the length by its time, as every comparison does; a generated token's is public. */
function isSame(given: Uint8Array, token: Uint8Array | undefined): boolean {
  return token !== undefined && given.length === token.length && timingSafeEqual(given, token);
}
