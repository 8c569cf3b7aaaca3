/** A real server process with people on it; one line in a test file starts it, and `after` ends all of it. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { AppMessage, RecordStore } from "quicproquo-core";
import type { ChatEvent, ConversationId } from "quicproquo-sdk";
import { type ServerProcess, type ServerProcessOptions, startServerProcess } from "quicproquo-server/testing";
import { Person, type PersonOptions, temporaryFolder } from "./person.ts";
import { RawMember } from "./raw-member.ts";

export class Rig {
  readonly server: ServerProcess;
  readonly #folder = temporaryFolder();
  readonly #people: (Person | RawMember)[] = [];

  private constructor(server: ServerProcess) {
    this.server = server;
  }

  static async start(options?: ServerProcessOptions): Promise<Rig> {
    return new Rig(await startServerProcess(options));
  }

  /** `wrap` stands between the client and its records. */
  async person(
    name: string,
    options: PersonOptions = {},
    wrap: (records: RecordStore) => RecordStore = (records) => records,
  ): Promise<Person> {
    const file = join(this.#folder.path, `${name}-${this.#people.length}.db`);
    const person = await Person.open(this.server, { name, file, wrap }, options);
    this.#people.push(person);
    return person;
  }

  /** The next client on the same records, with other options if need be. */
  async reopened(person: Person, options: PersonOptions = {}): Promise<Person> {
    const next = await person.reopened(options);
    this.#people.push(next);
    return next;
  }

  /** A member without a chat client. */
  async raw(): Promise<RawMember> {
    const member = await RawMember.connect(this.server);
    this.#people.push(member);
    return member;
  }

  /** A conversation of these, in which all have caught up. */
  async group(first: Person, ...others: readonly Person[]): Promise<ConversationId> {
    const id = await first.chat.createGroup();
    for (const other of others) {
      await other.chat.publishKeys();
      await first.chat.invite(id, other.key);
    }
    for (const other of others) await other.sync();
    return id;
  }

  async close(): Promise<void> {
    for (const person of this.#people) await person.close();
    await this.server[Symbol.asyncDispose]();
    this.#folder.remove();
  }
}

export function chat(body: string): Extract<AppMessage, { type: "chat" }> {
  return { type: "chat", msgId: new Uint8Array(randomBytes(16)), body };
}

export function bodiesOf(events: readonly ChatEvent[]): string[] {
  return events.flatMap((event) =>
    event.kind === "message" && event.message.type === "chat" ? [event.message.body] : [],
  );
}

export function kindsOf(events: readonly ChatEvent[]): string[] {
  return events.map(({ kind }) => kind);
}

export function reasonsOf(events: readonly ChatEvent[]): string[] {
  return events.flatMap((event) => (event.kind === "refused" ? [event.reason] : []));
}
