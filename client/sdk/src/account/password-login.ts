/**
 * Registration and login as a client makes them (docs/wire.md, Login): the password is shown by OPAQUE and never leaves
 * this process, the identity by its signature over this one run. Nothing is kept here.
 */
import { type Identity, signLogin, signRegistration } from "quicproquo-core";
import {
  parseUsername,
  protocolVersion,
  QpqError,
  sizes,
  type StretchingProfile,
  stretchingOfNewAccounts,
  stretchingProfiles,
  type Username,
} from "quicproquo-proto";
import type { ReconnectingClient } from "../reconnecting-client.ts";
import { OpaqueThread } from "./opaque-thread.ts";

/** NIST SP 800-63B section 5.1.1.2: length is what counts. Of new passwords. */
const passwordCharactersMin = 8;
/** Longer than any that a person types. */
const passwordBytesMax = 1024;

export type PasswordLoginParts = {
  readonly client: ReconnectingClient;
  /** The account's identity, or a device that it lists. */
  readonly identity: Identity;
  readonly username: string;
  readonly password: string;
  /** What the server's login key was before, 32 bytes. Another one is E070_LOGIN_SERVER. undefined = any. */
  readonly knownServerKey: Uint8Array | undefined;
};

/** `serverKey`: by which the server is known again. */
export type Registered = { readonly username: Username; readonly serverKey: Uint8Array };

export type LoggedIn = Registered & {
  /** 32 bytes; a secret. */
  readonly sessionToken: Uint8Array;
  /** By the server's clock, ms since the Unix epoch. */
  readonly expiresAtMs: number;
};

/**
 * Binds a name that is free to the identity; of the identity's own name it sets the password anew, and ends all its tokens.
 * E001_BAD_REQUEST (a weak password), E018, E064_LOGIN_REFUSED, E065_USERNAME, E066_USERNAME_TAKEN, E067_IDENTITY_TAKEN,
 * E070_LOGIN_SERVER.
 */
export async function registerUser(parts: PasswordLoginParts): Promise<Registered> {
  const { client, identity } = parts;
  const username = parseUsername(parts.username);
  const password = passwordOf(parts.password);
  if ([...password].length < passwordCharactersMin) {
    throw new QpqError("E001_BAD_REQUEST", { text: `a password has at least ${passwordCharactersMin} characters` });
  }
  await using opaque = new OpaqueThread();
  const request = await opaque.begin("registration", password);
  const { response } = await client.call("opaqueRegisterStart", { username, request });
  const finished = await opaque.finish(response, profileOf(stretchingOfNewAccounts));
  if (finished === undefined) throw new QpqError("E070_LOGIN_SERVER");
  const { message: upload, serverPublicKey } = finished;
  requireKnown(parts.knownServerKey, serverPublicKey);
  const identityProof = signRegistration(identity, { username, serverPublicKey, upload });
  const { identityKey } = identity;
  await client.call("opaqueRegisterFinish", { username, upload, identityKey, identityProof });
  return { username, serverKey: serverPublicKey };
}

/**
 * E064_LOGIN_REFUSED (the name, the password, or a server that has not the record), E006_FORBIDDEN (the account has another
 * identity, which does not list this key), E018, E065_USERNAME, E068_ACCOUNT_DISABLED, E070_LOGIN_SERVER. Where the password
 * turns out to be wrong the server hears nothing more.
 */
export async function logIn(parts: PasswordLoginParts): Promise<LoggedIn> {
  const { client, identity } = parts;
  const username = parseUsername(parts.username);
  await using opaque = new OpaqueThread();
  const request = await opaque.begin("login", passwordOf(parts.password));
  const { response, loginId, stretching } = await client.call("opaqueLoginStart", { username, request });
  const finished = await opaque.finish(response, profileOf(stretching));
  if (finished === undefined) throw new QpqError("E064_LOGIN_REFUSED");
  const { message: finalization, serverPublicKey } = finished;
  requireKnown(parts.knownServerKey, serverPublicKey);
  const identityProof = signLogin(identity, { username, serverPublicKey, request, response, finalization });
  const { identityKey } = identity;
  const finish = { username, finalization, identityKey, loginId, identityProof };
  const sessionToken = Uint8Array.from((await client.call("opaqueLoginFinish", finish)).sessionToken);
  if (sessionToken.length !== sizes.sessionToken) throw new QpqError("E070_LOGIN_SERVER");
  return { username, serverKey: serverPublicKey, sessionToken, expiresAtMs: await endOf(sessionToken, client) };
}

/** The answer to a login doesn't say when its token ends; that to openSession does. */
async function endOf(accessToken: Uint8Array, client: ReconnectingClient): Promise<number> {
  const auth = { version: protocolVersion, accessToken, deviceId: new Uint8Array() };
  const { session, expiresAtMs } = await client.call("openSession", { auth });
  (session as Disposable | undefined)?.[Symbol.dispose]();
  return Number(expiresAtMs);
}

/** The form that RFC 8265 section 4.2 (OpaqueString) compares: who types the same characters has the same password. */
function passwordOf(text: string): string {
  const password = text.replace(/\p{Zs}/gu, " ").normalize("NFC");
  if (password !== "" && new TextEncoder().encode(password).length <= passwordBytesMax) return password;
  throw new QpqError("E001_BAD_REQUEST", { text: `a password has 1 to ${passwordBytesMax} bytes` });
}

/** A server can ask for a profile of the table, and for nothing weaker or without end. */
function profileOf(stretching: number): StretchingProfile {
  const profile = stretchingProfiles[stretching];
  if (profile !== undefined) return profile;
  const text = "this version does not know how the account's password was stretched; a newer one may";
  throw new QpqError("E070_LOGIN_SERVER", { fields: { stretching }, text });
}

/** Public keys: compared in no constant time. */
function requireKnown(known: Uint8Array | undefined, shown: Uint8Array): void {
  if (known === undefined || known.toHex() === shown.toHex()) return;
  throw new QpqError("E070_LOGIN_SERVER", {
    text: "the server shows another login key than before: somebody else's, or its operator has made a new one; ask them",
  });
}
