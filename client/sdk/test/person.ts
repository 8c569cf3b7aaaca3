/** People for tests: a state, records in a folder of their own, and a client on a real server process. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientState, generateClientState, openRecordFile, type RecordStore } from "quicproquo-core";
import type { IdentityKey } from "quicproquo-proto";
import { ChatClient, type ChatClientOptions, type ChatEvent, ReconnectingClient } from "quicproquo-sdk";
import type { ServerProcess } from "quicproquo-server/testing";

export type PersonOptions = Partial<Pick<ChatClientOptions, "limits" | "hybrid" | "checkpoint" | "clock">> & {
  readonly giveUpAfterMs?: number;
};

/** One client of one person; `reopened` is the next one on the same records, as after a restart. */
export class Person {
  readonly name: string;
  readonly state: ClientState;
  readonly file: string;
  readonly records: RecordStore;
  readonly chat: ChatClient;
  readonly #server: ServerProcess;
  readonly #connection: ReconnectingClient;

  private constructor(parts: {
    name: string;
    state: ClientState;
    file: string;
    records: RecordStore;
    chat: ChatClient;
    server: ServerProcess;
    connection: ReconnectingClient;
  }) {
    this.name = parts.name;
    this.state = parts.state;
    this.file = parts.file;
    this.records = parts.records;
    this.chat = parts.chat;
    this.#server = parts.server;
    this.#connection = parts.connection;
  }

  static async open(
    server: ServerProcess,
    place: { name: string; file: string; state?: ClientState; wrap?: (records: RecordStore) => RecordStore },
    options: PersonOptions = {},
  ): Promise<Person> {
    const { name, file } = place;
    const state = place.state ?? generateClientState();
    const records = (place.wrap ?? same)(openRecordFile({ file, databaseKey: state.databaseKey }));
    const { giveUpAfterMs = 5_000, ...chatOptions } = options;
    const connection = new ReconnectingClient({ server: addressOf(server), giveUpAfterMs });
    const accessToken = new TextEncoder().encode(server.token);
    const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));
    const chat = await ChatClient.open({
      state,
      records,
      client: connection,
      accessToken,
      clock: Date.now,
      random,
      ...chatOptions,
    });
    return new Person({ name, state, file, records, chat, server, connection });
  }

  get key(): IdentityKey {
    return this.state.identity.identityKey;
  }

  /** Receives what stands in the inbox. */
  async sync(): Promise<ChatEvent[]> {
    const events: ChatEvent[] = [];
    for await (const event of this.chat.sync()) events.push(event);
    return events;
  }

  async close(): Promise<void> {
    this.#connection.close();
    await this.records.close();
  }

  async reopened(options: PersonOptions = {}): Promise<Person> {
    await this.close();
    return await Person.open(this.#server, { name: this.name, file: this.file, state: this.state }, options);
  }
}

/** A folder that goes at the end of the test file. */
export function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "qpq-sdk-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function addressOf(server: Pick<ServerProcess, "port" | "certificate">) {
  return {
    host: "127.0.0.1",
    port: server.port,
    serverName: "localhost",
    trust: { caCertificate: server.certificate },
  };
}

function same(records: RecordStore): RecordStore {
  return records;
}
