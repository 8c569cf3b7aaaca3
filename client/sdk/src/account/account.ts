/**
 * Who this client is at one server: a user name, and the session token that a login gave. Both stand among the client's
 * records, so the token is never in clear on a disk, and goes to no other server.
 *
 * A token is renewed once half of its life is over. When it has ended or was revoked calls are E005_SESSION_EXPIRED, and
 * only a login makes another.
 */
import { type Identity, recordIdBytesMax, type RecordStore } from "quicproquo-core";
import { QpqError, sizes, type Username } from "quicproquo-proto";
import { type AccessTokenSource, authOf } from "../access-token.ts";
import { type ServerAddress, serverIdOf } from "../connect.ts";
import type { ReconnectingClient } from "../reconnecting-client.ts";
import { decodeValue, encodeValue } from "../record-value.ts";
import { type LoggedIn, logIn, registerUser } from "./password-login.ts";

export type AccountParts = {
  readonly server: ServerAddress;
  readonly client: ReconnectingClient;
  readonly records: RecordStore;
  readonly identity: Identity;
  /** ms since the Unix epoch. */
  readonly clock: () => number;
};

export type Credentials = {
  readonly username: string;
  readonly password: string;
  /** Take the server's login key also when it is another one than before. */
  readonly acceptNewKey?: boolean;
};

type Session = {
  readonly token: Uint8Array;
  /** The one before it, which calls under way may still show. */
  readonly previous: Uint8Array | undefined;
  readonly renewAtMs: number;
};

type AccountRecord = {
  /** Ids of records are bounded, names of servers are not. */
  readonly server: string;
  readonly username: Username;
  readonly serverKey: Uint8Array;
  /** undefined: logged out. */
  readonly session: Session | undefined;
};

/** Also where clocks differ so much that a token seems to have ended, or a renewal fails. */
const renewPauseMs = 10_000;

export class Account {
  readonly #parts: AccountParts;
  readonly #recordId: string;
  #record: AccountRecord | undefined;
  #renewing: Promise<void> | undefined;
  /** By the clock. */
  #pausedUntilMs = 0;

  private constructor(parts: AccountParts, recordId: string, record: AccountRecord | undefined) {
    this.#parts = parts;
    this.#recordId = recordId;
    this.#record = record;
  }

  /** Reads the records; talks to nobody. */
  static async open(parts: AccountParts): Promise<Account> {
    const server = serverIdOf(parts.server);
    const recordId = `account/${server}`.slice(0, recordIdBytesMax / 2);
    const bytes = await parts.records.get(recordId);
    const record = bytes && decodeValue<AccountRecord>(bytes);
    return new Account(parts, recordId, record?.server === server ? record : undefined);
  }

  /** As it was last registered or logged in; kept at a logout. */
  get username(): Username | undefined {
    return this.#record?.username;
  }

  get isLoggedIn(): boolean {
    return this.#record?.session !== undefined;
  }

  /** E003_UNAUTHENTICATED when nobody is logged in; E005_SESSION_EXPIRED. */
  readonly accessToken: AccessTokenSource = async () => {
    const nowMs = this.#parts.clock();
    const isDue = nowMs >= Math.max(this.#session().renewAtMs, this.#pausedUntilMs);
    if (isDue) this.#renewing ??= this.#renew(nowMs).finally(() => (this.#renewing = undefined));
    await this.#renewing;
    return this.#session().token;
  };

  /** See registerUser. Nobody is logged in by it. */
  async register(credentials: Credentials): Promise<Username> {
    const { username, serverKey } = await registerUser(this.#login(credentials));
    await this.#save({ username, serverKey, session: undefined });
    return username;
  }

  /** See logIn. Durable when it resolves. The tokens that it had before are revoked. */
  async logIn(credentials: Credentials): Promise<Username> {
    const before = this.#record?.session;
    await this.#begin(await logIn(this.#login(credentials)));
    if (before !== undefined) await this.#revoke(before).catch(() => undefined); // they end by themselves
    return (this.#record as AccountRecord).username;
  }

  /**
   * A new password, by the identity's signature: whoever has the identity key can set it. All of the account's tokens end,
   * and this client logs in with it. E003_UNAUTHENTICATED where no name is known; see registerUser and logIn.
   */
  async setPassword(password: string, options: Pick<Credentials, "acceptNewKey"> = {}): Promise<void> {
    const { username } = this;
    if (username === undefined)
      throw new QpqError("E003_UNAUTHENTICATED", { text: "this client has no user name here" });
    const credentials = { username, password, ...options };
    const { serverKey } = await registerUser(this.#login(credentials));
    await this.#save({ username, serverKey, session: undefined });
    await this.logIn(credentials);
  }

  /**
   * Revokes the tokens here, or all of the account, and forgets them and the connection's session in any case: where the
   * server cannot be told it throws what kept it, and they live until their end.
   */
  async logOut({ all = false } = {}): Promise<void> {
    const { client } = this.#parts;
    const session = this.#session();
    try {
      if (all) await client.call("revokeTokens", { all, auth: await authOf(() => session.token) });
      else await this.#revoke(session);
    } catch (error) {
      if (!hasEnded(error)) throw error;
    } finally {
      await this.#save({ ...(this.#record as AccountRecord), session: undefined });
      await client.forgetSession();
    }
  }

  #session(): Session {
    const session = this.#record?.session;
    if (session === undefined) throw new QpqError("E003_UNAUTHENTICATED", { text: "nobody is logged in here" });
    return session;
  }

  #login({ username, password, acceptNewKey = false }: Credentials) {
    const { client, identity } = this.#parts;
    const knownServerKey = acceptNewKey ? undefined : this.#record?.serverKey;
    return { client, identity, username, password, knownServerKey };
  }

  async #begin({ username, serverKey, sessionToken, expiresAtMs }: LoggedIn): Promise<void> {
    const session = this.#sessionOf(sessionToken, expiresAtMs);
    await this.#save({ username, serverKey, session });
  }

  #sessionOf(token: Uint8Array, expiresAtMs: number, previous?: Uint8Array): Session {
    const nowMs = this.#parts.clock();
    return { token, previous, renewAtMs: nowMs + Math.max((expiresAtMs - nowMs) / 2, renewPauseMs) };
  }

  /** Durable before it is used. What keeps it from being renewed is no reason not to go on with the old one. */
  async #renew(nowMs: number): Promise<void> {
    const { client } = this.#parts;
    const old = this.#session();
    this.#pausedUntilMs = nowMs + renewPauseMs;
    try {
      const { sessionToken, expiresAtMs } = await client.call("renewToken", { auth: await authOf(() => old.token) });
      const token = Uint8Array.from(sessionToken);
      if (token.length !== sizes.sessionToken || this.#record?.session !== old) return;
      await this.#save({ ...this.#record, session: this.#sessionOf(token, Number(expiresAtMs), old.token) });
      // nobody shows it any more
      if (old.previous !== undefined) await this.#revokeOne(old.previous);
    } catch (error) {
      if (hasEnded(error)) throw error;
    }
  }

  async #revoke({ token, previous }: Session): Promise<void> {
    if (previous !== undefined) await this.#revokeOne(previous);
    await this.#revokeOne(token);
  }

  /** One that has ended is revoked. */
  async #revokeOne(token: Uint8Array): Promise<void> {
    try {
      await this.#parts.client.call("revokeTokens", { all: false, auth: await authOf(() => token) });
    } catch (error) {
      if (!hasEnded(error)) throw error;
    }
  }

  async #save(changed: Omit<AccountRecord, "server">): Promise<void> {
    const record = { ...changed, server: serverIdOf(this.#parts.server) };
    await this.#parts.records.write([{ id: this.#recordId, bytes: encodeValue(record) }]);
    this.#record = record;
  }
}

function hasEnded(error: unknown): boolean {
  return error instanceof QpqError && error.code === "E005_SESSION_EXPIRED";
}
