/** People with a user name: keys, records and a connection of their own on a real server process. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientState, generateClientState, openRecordFile, type RecordStore } from "quicproquo-core";
import { Account, ChatClient, ReconnectingClient, RecordSessionCache } from "quicproquo-sdk";
import type { ServerProcess } from "quicproquo-server/testing";
import { addressOf } from "./person.ts";

export const password = "correct horse";

export class User implements AsyncDisposable {
  readonly state: ClientState;
  readonly records: RecordStore;
  readonly client: ReconnectingClient;
  readonly account: Account;
  /** Names of the calls that were answered, in their order. */
  readonly calls: string[];
  readonly #folder: string;

  private constructor(parts: Pick<User, "state" | "records" | "client" | "account" | "calls"> & { folder: string }) {
    ({ state: this.state, records: this.records, client: this.client, account: this.account } = parts);
    this.calls = parts.calls;
    this.#folder = parts.folder;
  }

  /** `state`: somebody's who was here before, with records of its own. */
  static async open(
    server: Pick<ServerProcess, "port" | "certificate">,
    { clock = Date.now, state = generateClientState() }: { clock?: () => number; state?: ClientState } = {},
  ): Promise<User> {
    const folder = mkdtempSync(join(tmpdir(), "qpq-sdk-user-"));
    const records = openRecordFile({ file: join(folder, "records.db"), databaseKey: state.databaseKey });
    const calls: string[] = [];
    const client = new ReconnectingClient({
      server: addressOf(server),
      sessions: new RecordSessionCache(records),
      giveUpAfterMs: 20_000,
      onCall: (name) => calls.push(name),
    });
    const { identity } = state;
    const account = await Account.open({ server: addressOf(server), client, records, identity, clock });
    return new User({ state, records, client, account, calls, folder });
  }

  /** Registered and logged in. */
  static async arrive(server: ServerProcess, username: string, clock?: () => number): Promise<User> {
    const user = await User.open(server, clock === undefined ? {} : { clock });
    await user.account.register({ username, password });
    await user.account.logIn({ username, password });
    return user;
  }

  async chat(): Promise<ChatClient> {
    return await ChatClient.open({
      state: this.state,
      records: this.records,
      client: this.client,
      accessToken: this.account.accessToken,
      clock: Date.now,
      random: (bytes) => new Uint8Array(randomBytes(bytes)),
    });
  }

  /** What a thief of the disk has of the records. */
  filesOnDisk(): Buffer {
    return Buffer.concat(readdirSync(this.#folder).map((name) => readFileSync(join(this.#folder, name))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.records.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
