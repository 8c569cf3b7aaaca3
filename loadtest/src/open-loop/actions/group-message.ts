/** Real MLS groups: a member encrypts and sends, all others receive and decrypt, as the reference client does it. */
import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { generateClientState, messageIdBytes } from "quicproquo-core";
import { type IdentityKey, QpqError } from "quicproquo-proto";
import { ChatClient, type ConversationId, type ReconnectingClient } from "quicproquo-sdk";
import type { Action } from "../action.ts";
import { Arrivals } from "../arrivals.ts";
import type { ConnectionPool } from "../connection-pool.ts";
import { MemoryRecords } from "../memory-records.ts";

/** Groups whose members are invited at the same time. */
const groupsAtOnceMax = 4;
/** After a loss: a server that restarts is not there at once. */
const againMs = 100;

export const groupMessage: Action = {
  doc: "a message in an MLS group, a connection a member; a user is a group",
  measures: "from before the encryption until every other member has decrypted it",
  defaults: { payloadBytes: 256, recipients: 4 },
  needsToken: true,
  async prepare(pool, { users, payloadBytes, recipients }) {
    const groups: Group[] = [];
    while (groups.length < users) {
      const some = Math.min(groupsAtOnceMax, users - groups.length);
      groups.push(...(await Promise.all(Array.from({ length: some }, () => Group.create(pool, recipients)))));
    }
    // in the text it is twice as long, as hex
    const arrivals = new Arrivals(payloadBytes / 2);
    for (const group of groups) group.listen((number) => arrivals.arrivedNumber(number));
    return {
      once: (user) => {
        const group = groups[user % users] as Group;
        return arrivals.through((payload, number) => group.send(payload, number));
      },
      async close() {
        for (const group of groups) group.close();
      },
    };
  },
};

type Member = {
  readonly identityKey: IdentityKey;
  readonly chat: ChatClient;
  readonly client: ReconnectingClient;
};

class Group {
  readonly #members: readonly Member[];
  readonly #id: ConversationId;
  readonly #over = new AbortController();
  /** How many members have not read a message yet. */
  readonly #unread = new Map<number, number>();
  #turn = 0;

  private constructor(members: readonly Member[], id: ConversationId) {
    this.#members = members;
    this.#id = id;
  }

  /** Everybody is in, and has caught up. */
  static async create(pool: ConnectionPool, size: number): Promise<Group> {
    const members = await Promise.all(Array.from({ length: Math.max(2, size) }, () => member(pool)));
    const [first, ...others] = members as [Member, ...Member[]];
    const id = await first.chat.createGroup();
    for (const { chat, identityKey } of others) {
      await chat.publishKeys();
      await first.chat.invite(id, identityKey);
    }
    for (const { chat } of others) for await (const _ of chat.sync());
    return new Group(members, id);
  }

  listen(onRead: (number: number) => void): void {
    for (const { chat } of this.#members) void this.#listen(chat, onRead); // until the signal
  }

  /** By its members in turn. */
  async send(payload: Uint8Array, number: number): Promise<void> {
    const { chat } = this.#members[this.#turn++ % this.#members.length] as Member;
    this.#unread.set(number, this.#members.length - 1);
    const body = `${number} ${Buffer.from(payload).toString("hex")}`;
    const { status, error } = await chat.send(this.#id, { type: "chat", msgId: randomBytes(messageIdBytes), body });
    if (error !== undefined) throw error;
    if (status !== "sent") throw new QpqError("E009_QUEUE_FULL", { text: `the message is ${status}` });
  }

  close(): void {
    this.#over.abort();
    for (const { client } of this.#members) client.close();
  }

  async #listen(chat: ChatClient, onRead: (number: number) => void): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        await this.#follow(chat, onRead);
      } catch {
        // what is sent meanwhile runs into its deadline, and is counted there
        if (!this.#over.signal.aborted) await setTimeout(againMs);
      }
    }
  }

  async #follow(chat: ChatClient, onRead: (number: number) => void): Promise<void> {
    for await (const event of chat.sync({ follow: true, signal: this.#over.signal })) {
      if (event.kind !== "message" || event.message.type !== "chat") continue;
      const number = Number.parseInt(event.message.body, 10);
      const left = (this.#unread.get(number) ?? 0) - 1;
      if (left > 0) this.#unread.set(number, left);
      else {
        this.#unread.delete(number);
        onRead(number);
      }
    }
  }
}

async function member(pool: ConnectionPool): Promise<Member> {
  const client = pool.reconnecting({ giveUpAfterMs: 10_000 });
  const state = generateClientState();
  const chat = await ChatClient.open({
    state,
    records: new MemoryRecords(),
    client,
    accessToken: pool.accessToken,
    clock: Date.now,
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    // one group each
    limits: { keyPackagesWanted: 1 },
  });
  return { identityKey: state.identity.identityKey, chat, client };
}
