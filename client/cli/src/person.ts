/**
 * The person at the keyboard: keys from the state file (made at first use), conversations from the records beside it, a
 * connection that is made when it is needed.
 */
import { randomBytes } from "node:crypto";
import {
  type ClientState,
  generateClientState,
  openRecordFile,
  type RecordStore,
  readStateFile,
  writeStateFile,
} from "quicproquo-core";
import type { QpqError } from "quicproquo-proto";
import {
  Account,
  type AccessTokenSource,
  ChatClient,
  Contacts,
  Directory,
  ReconnectingClient,
  RecordSessionCache,
  type SessionCache,
} from "quicproquo-sdk";
import { accessTokenOf, type Options, serverAddressOf } from "./options.ts";
import type { Output } from "./output.ts";
import { Traffic } from "./traffic.ts";

export class Person implements AsyncDisposable {
  readonly state: ClientState;
  readonly chat: ChatClient;
  readonly account: Account;
  readonly directory: Directory;
  readonly contacts: Contacts;
  readonly client: ReconnectingClient;
  readonly traffic: Traffic;
  readonly #records: RecordStore;

  private constructor(
    parts: Pick<Person, "state" | "chat" | "account" | "directory" | "contacts" | "client" | "traffic"> & {
      records: RecordStore;
    },
  ) {
    ({ state: this.state, chat: this.chat, client: this.client, traffic: this.traffic } = parts);
    ({ account: this.account, directory: this.directory, contacts: this.contacts } = parts);
    this.#records = parts.records;
  }

  /** E036_STORE_LOCKED when another qpq works on the same state. */
  static async open(options: Options, output: Output): Promise<Person> {
    const traffic = new Traffic();
    const server = serverAddressOf(options); // a wrong word is told before anything is made
    const state = await loadOrCreateState(options, output);
    const records = openRecordFile({ file: recordFileOf(options.stateFile), databaseKey: state.databaseKey });
    try {
      const client = openClient(options, output, traffic, new RecordSessionCache(records));
      const { identity } = state;
      const account = await Account.open({ server, client, records, identity, clock: Date.now });
      const staticToken = accessTokenOf(options);
      // who has logged in acts by that
      const accessToken: AccessTokenSource = () => (account.isLoggedIn ? account.accessToken() : staticToken);
      const directory = new Directory({ client, accessToken, identity });
      const contacts = new Contacts({ server, records, directory });
      const chat = await ChatClient.open({
        state,
        records,
        client,
        accessToken,
        clock: Date.now,
        random: (bytes) => new Uint8Array(randomBytes(bytes)),
        hybrid: options.hybrid ? "whenAvailable" : "off",
      });
      return new Person({ state, chat, account, directory, contacts, client, traffic, records });
    } catch (error) {
      await records.close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.#records.close();
  }
}

export async function loadOrCreateState(options: Options, output: Output): Promise<ClientState> {
  const password = options.env["QPQ_STATE_PASSWORD"];
  const there = await readStateFile(options.stateFile, { password });
  if (there !== undefined) return there;
  const state = generateClientState();
  await writeStateFile(options.stateFile, state, { password });
  output.words(`made new keys in ${options.stateFile}: keep a copy, nobody can restore them`);
  return state;
}

/** Without `sessions` each run makes a full handshake. */
export function openClient(
  options: Options,
  output: Output,
  traffic: Traffic,
  sessions?: SessionCache,
): ReconnectingClient {
  return new ReconnectingClient({
    server: serverAddressOf(options),
    ...(sessions === undefined ? {} : { sessions }),
    onConnect: ({ info }) => {
      if (info.protocol === "websocket" && options.transport !== "websocket") {
        output.words("connected by WebSocket: UDP does not get through here, or not in time");
      }
    },
    giveUpAfterMs: options.timeoutMs,
    onCall: traffic.onCall,
    onRetry: (error: QpqError, waitMs: number) => {
      // who waits that long wonders what for
      if (options.verbose || waitMs >= 1_000)
        output.words(`${error.code} ${error.text}; next try in ${Math.round(waitMs)} ms`);
    },
  });
}

/** qpq-state.bin -> qpq-state.db */
function recordFileOf(stateFile: string): string {
  return `${stateFile.replace(/\.bin$/, "")}.db`;
}
