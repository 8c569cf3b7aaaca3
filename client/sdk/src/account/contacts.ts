/**
 * Users by name. Whose key a name has the server says, and nobody else; so the first answer is kept, and another one later
 * is refused: a server that changes its mind shows. What proves a key is the safety number that two people compare.
 */
import type { RecordStore } from "quicproquo-core";
import { type IdentityKey, parseUsername, QpqError, type Username } from "quicproquo-proto";
import { type ServerAddress, serverIdOf } from "../connect.ts";
import { decodeValue, encodeValue } from "../record-value.ts";
import type { Directory } from "./directory.ts";

export type ContactsParts = {
  readonly server: ServerAddress;
  readonly records: RecordStore;
  readonly directory: Directory;
};

export type Contact = {
  readonly username: Username;
  readonly identityKey: IdentityKey;
  /** Nothing was known of it before. */
  readonly isNew: boolean;
};

/** One record a name: its key at each server. */
type Keys = Readonly<Record<string, IdentityKey>>;

export class Contacts {
  readonly #parts: ContactsParts;
  readonly #server: string;

  constructor(parts: ContactsParts) {
    this.#parts = parts;
    this.#server = serverIdOf(parts.server);
  }

  /** As it is kept here; undefined for one that was never asked for. E065_USERNAME. */
  async known(name: string): Promise<Contact | undefined> {
    const username = parseUsername(name);
    const identityKey = (await this.#keysOf(username))[this.#server];
    return identityKey && { username, identityKey, isNew: false };
  }

  /** As it is kept here, else as the server says, which is then kept. E065_USERNAME, E075_ACCOUNT_NOT_FOUND. */
  async find(name: string): Promise<Contact> {
    return (await this.known(name)) ?? (await this.ask(name));
  }

  /**
   * As the server says now, which is then kept. E071_CONTACT_KEY when it was another one before, unless that is accepted.
   * E065_USERNAME, E075_ACCOUNT_NOT_FOUND.
   */
  async ask(name: string, { acceptNewKey = false } = {}): Promise<Contact> {
    const username = parseUsername(name);
    const identityKey = await this.#parts.directory.keyOf(username);
    if (identityKey === undefined) throw new QpqError("E075_ACCOUNT_NOT_FOUND");
    const keys = await this.#keysOf(username);
    const before = keys[this.#server];
    const isOther = before !== undefined && before.toHex() !== identityKey.toHex();
    if (isOther && !acceptNewKey) throw new QpqError("E071_CONTACT_KEY");
    const bytes = encodeValue({ ...keys, [this.#server]: identityKey });
    await this.#parts.records.write([{ id: idOf(username), bytes }]);
    return { username, identityKey, isNew: before === undefined || isOther };
  }

  async #keysOf(username: Username): Promise<Keys> {
    const bytes = await this.#parts.records.get(idOf(username));
    return bytes === undefined ? {} : decodeValue<Keys>(bytes);
  }
}

function idOf(username: Username): string {
  return `contact/${username}`;
}
