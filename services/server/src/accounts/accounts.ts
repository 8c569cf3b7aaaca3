/**
 * Accounts: a user name, the identity key that it is bound to, and a password by OPAQUE (docs/wire.md, Login). Nothing is
 * kept between the two halves of a registration or a login, so each may come to another front-end.
 *
 * Who cannot log in learns nothing of why, not even whether there is such an account.
 */
import { hash } from "node:crypto";
import {
  type IdentityKey,
  identityProofParts,
  labels,
  type LimitName,
  parseIdentityKey,
  parseUsername,
  QpqError,
  stretchingOfNewAccounts,
  type Username,
} from "quicproquo-proto";
import type { IssuedToken, SessionTokens } from "../access/session-tokens.ts";
import { hasSigned, isNobody } from "../keys/signature.ts";
import type { Account, AccountStore, Clock, RateCounter } from "../store/port.ts";
import { LoginLimits } from "./login-limits.ts";
import { LoginStates } from "./login-states.ts";
import { OpaqueServer, recordOfNobody } from "./opaque.ts";

export type AccountsParts = {
  readonly store: AccountStore;
  readonly tokens: SessionTokens;
  readonly rates: RateCounter;
  readonly limits: Readonly<Record<LimitName, number>>;
  readonly clock: Clock;
  /** A secret, the same on all front-ends of a store. */
  readonly opaqueSetup: string;
  /** Binds a name to whatever identity key comes with it, and logs in with the password alone. */
  readonly allowUnprovenIdentity: boolean;
  /** Holds up who tries too often. */
  readonly pause?: (ms: number) => Promise<void>;
};

type Start = { readonly username: string; readonly request: Uint8Array };
type RegisterFinish = {
  readonly username: string;
  readonly upload: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly identityProof: Uint8Array;
};
type LoginStarted = { readonly response: Uint8Array; readonly loginId: Uint8Array; readonly stretching: number };
type LoginFinish = {
  readonly username: string;
  readonly finalization: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly loginId: Uint8Array;
  readonly identityProof: Uint8Array;
};

type Proof = {
  readonly label: typeof labels.register | typeof labels.login;
  readonly username: Username;
  readonly identityKey: IdentityKey;
  readonly transcript: readonly Uint8Array[];
  readonly identityProof: Uint8Array;
};

export class Accounts {
  readonly #parts: AccountsParts;
  readonly #opaque: OpaqueServer;
  readonly #states: LoginStates;
  readonly #limits: LoginLimits;

  /** E046_CONFIG when the OPAQUE setup is damaged. */
  constructor(parts: AccountsParts) {
    this.#parts = parts;
    this.#opaque = new OpaqueServer(parts.opaqueSetup);
    this.#states = new LoginStates(this.#opaque.setupBytes, parts.clock);
    this.#limits = new LoginLimits(parts);
  }

  /** `host`: where the call comes from. E001, E018_RATE_LIMIT, E065_USERNAME. */
  async registerStart({ username, request }: Start, host: string): Promise<Uint8Array> {
    const name = parseUsername(username);
    await this.#limits.begin(name, host);
    return this.#opaque.registerResponse(name, request);
  }

  /**
   * Durable. For a name that this identity has already it sets a new password and ends all its tokens. E001, E007, E018,
   * E064_LOGIN_REFUSED (the proof), E065, E066_USERNAME_TAKEN, E067_IDENTITY_TAKEN.
   */
  async registerFinish(
    { username, upload, identityKey: key, identityProof }: RegisterFinish,
    host: string,
  ): Promise<"created" | "replaced"> {
    const { store, tokens, clock } = this.#parts;
    const name = parseUsername(username);
    const identity = ownKey(key);
    this.#limits.register(host);
    const isProven = this.#requireProof({
      label: labels.register,
      username: name,
      identityKey: identity,
      transcript: [upload],
      identityProof,
    });
    // without a proof nobody sets another's password
    if (!isProven && (await store.accountOf(name)) !== undefined) throw new QpqError("E066_USERNAME_TAKEN");
    if (!this.#opaque.isRecord(upload)) throw new QpqError("E001_BAD_REQUEST", { text: "this is no OPAQUE record" });
    const put = await store.putAccount({
      username: name,
      identity,
      record: Uint8Array.from(upload),
      stretching: stretchingOfNewAccounts,
      createdAtMs: clock(),
    });
    if (put === "usernameTaken") throw new QpqError("E066_USERNAME_TAKEN");
    if (put === "identityTaken") throw new QpqError("E067_IDENTITY_TAKEN");
    if (put === "replaced") await tokens.revokeAll(identity, undefined);
    return put;
  }

  /** The same for a name that nobody has. E001, E018_RATE_LIMIT, E065_USERNAME. */
  async loginStart({ username, request }: Start, host: string): Promise<LoginStarted> {
    const name = parseUsername(username);
    await this.#limits.begin(name, host);
    const account = await this.#parts.store.accountOf(name);
    const { state, response } = this.#opaque.startLogin(name, recordOf(account), request);
    const loginId = this.#states.seal({ username: name, state, recordHash: recordHashOf(account), request, response });
    return { response, loginId, stretching: account?.stretching ?? stretchingOfNewAccounts };
  }

  /**
   * A token for the key, once the password has been shown; durable. E007, E018, E064_LOGIN_REFUSED, E065. Only to who knows
   * the password: E006_FORBIDDEN (neither the account's identity key nor a device that it lists), E068_ACCOUNT_DISABLED.
   */
  async loginFinish(finish: LoginFinish, host: string): Promise<IssuedToken> {
    const { store, tokens } = this.#parts;
    const name = parseUsername(finish.username);
    const identityKey = ownKey(finish.identityKey);
    this.#limits.finishLogin(host);
    const begun = this.#states.open(finish.loginId);
    if (begun === undefined || begun.username !== name) throw refused();
    if (!this.#opaque.finishLogin(begun.state, finish.finalization)) throw refused();
    const isAsBegun = (account: Account | undefined): account is Account =>
      account !== undefined && isSame(begun.recordHash, recordHashOf(account));
    const account = await store.accountOf(name);
    if (!isAsBegun(account)) throw refused();
    if (account.disabled) throw new QpqError("E068_ACCOUNT_DISABLED");
    const { identity } = account;
    const isOwn = isSame(identityKey, identity) || isSame(await store.ownerOfDevice(identityKey), identity);
    if (!isOwn) throw new QpqError("E006_FORBIDDEN", { text: "the account has another identity key" });
    this.#requireProof({
      label: labels.login,
      username: name,
      identityKey,
      transcript: [begun.request, begun.response, finish.finalization],
      identityProof: finish.identityProof,
    });
    const acting = { identity, actsFor: identityKey };
    const issued = await tokens.issueWhile(acting, async () => isAsBegun(await store.accountOf(name)));
    if (issued === undefined) throw refused();
    return issued;
  }

  /** false: there was none, and none is needed. E064_LOGIN_REFUSED. */
  #requireProof({ label, username, identityKey, transcript, identityProof }: Proof): boolean {
    if (identityProof.length === 0 && this.#parts.allowUnprovenIdentity) return false;
    const transcriptHash = hash("sha256", Buffer.concat(transcript), "buffer");
    const { publicKey: serverPublicKey } = this.#opaque;
    const parts = identityProofParts({ username, identityKey, serverPublicKey, transcriptHash });
    if (!hasSigned(identityKey, { label, parts, signature: identityProof })) throw refused();
    return true;
  }
}

function refused(): QpqError {
  return new QpqError("E064_LOGIN_REFUSED");
}

/** A key of its own: it outlives the call. E007_KEY_LENGTH, E001_BAD_REQUEST. */
function ownKey(bytes: Uint8Array): IdentityKey {
  const key = parseIdentityKey(Uint8Array.from(bytes));
  if (isNobody(key)) throw new QpqError("E001_BAD_REQUEST", { text: "the key of zeros is nobody's" });
  return key;
}

function isSame(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.compare(one, other) === 0;
}

/** Of the same size, and as much work, also where there is no account. */
function recordOf(account: Account | undefined): Uint8Array {
  return account?.record ?? recordOfNobody;
}

function recordHashOf(account: Account | undefined): Uint8Array {
  return hash("sha256", recordOf(account), "buffer");
}
