/** Where the token of a call comes from: the same one always, or one that is renewed meanwhile. */
import { type AuthFields, protocolVersion } from "quicproquo-proto";

/** A secret; asked before each call. E003_UNAUTHENTICATED, E005_SESSION_EXPIRED. */
export type AccessTokenSource = () => Uint8Array | Promise<Uint8Array>;

const noDevice = new Uint8Array();

export async function authOf(accessToken: AccessTokenSource): Promise<AuthFields> {
  return { version: protocolVersion, accessToken: await accessToken(), deviceId: noDevice };
}
