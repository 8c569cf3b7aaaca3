/**
 * What three people live through while their clients die: a group made, two invitations, messages, renewals and races of
 * them, a removal, a return, a leave. Every action is begun anew after a death, so each is written to be: it looks at what
 * its predecessor has done.
 */
import { randomBytes } from "node:crypto";
import type { AppMessage } from "quicproquo-core";
import { type IdentityKey, protocolVersion } from "quicproquo-proto";
import type { ChatEvent, CheckpointName, ConversationId } from "quicproquo-sdk";
import { NodeClient } from "quicproquo-sdk";
import type { ServerProcess } from "quicproquo-server/testing";
import { addressOf, type Person } from "../person.ts";
import { KeyUses } from "./key-uses.ts";
import { Ledger } from "./ledger.ts";
import { Mortal, type MortalOptions } from "./mortal.ts";

export type StoryOptions = {
  readonly server: ServerProcess;
  readonly folder: string;
  /** 0 to 1, seeded. */
  readonly random: () => number;
  /** The middle part goes on until so many have died. */
  readonly deathsMin: number;
  readonly deathChance: number;
  readonly wrap?: MortalOptions["wrap"];
};

export type Outcome = {
  readonly deaths: number;
  readonly deathsAt: ReadonlyMap<CheckpointName, number>;
  readonly messages: number;
  readonly ciphertexts: number;
  readonly faults: readonly string[];
};

export class Story {
  readonly #options: StoryOptions;
  readonly #people = new Map<string, Mortal>();
  readonly #ledger = new Ledger();
  readonly #keyUses = new KeyUses();
  readonly #wanted = new Map<string, number>();
  readonly #deathsAt = new Map<CheckpointName, number>();
  readonly #oddEvents: string[] = [];
  #looker: NodeClient | undefined;
  #isSafe = false;

  constructor(options: StoryOptions) {
    this.#options = options;
  }

  async run(): Promise<Outcome> {
    this.#looker = await NodeClient.connect(addressOf(this.#options.server));
    for (const name of ["alice", "bob", "carol"]) this.#people.set(name, this.#born(name));
    try {
      // a state that has lost what it told the server may also refuse to go on: that is a fault like the others
      await this.#live().catch((error: Error) => this.#oddEvents.push(error.stack ?? error.message));
      return await this.#outcome();
    } finally {
      for (const mortal of this.#people.values()) await mortal.close();
      this.#looker.close();
    }
  }

  async #live(): Promise<void> {
    await this.#begin();
    await this.#middle();
    await this.#end();
  }

  async #begin(): Promise<void> {
    for (const name of this.#people.keys()) await this.#act(name, async ({ chat }) => void (await chat.publishKeys()));
    await this.#act("alice", async ({ chat }) => {
      if (chat.list().length === 0) await chat.createGroup("story");
    });
    await this.#invite("bob");
    await this.#syncAll();
    for (let i = 0; i < 3; i++) await this.#send("alice", 1);
    await this.#send("bob", 2);
    await this.#invite("carol");
    await this.#syncAll();
  }

  async #middle(): Promise<void> {
    const { random, deathsMin } = this.#options;
    const names = [...this.#people.keys()];
    while (this.#deaths() < deathsMin) {
      const [one = "alice", other = "bob"] = names.sort(() => random() - 0.5);
      const dice = random();
      if (dice < 0.4) await this.#send(one, 1);
      else if (dice < 0.5) await this.#send(one, 4);
      else if (dice < 0.8) await this.#sync(one);
      else if (dice < 0.9) await this.#renew(one);
      else await Promise.all([this.#renew(one), this.#renew(other), this.#send(one, 2)]);
    }
  }

  async #end(): Promise<void> {
    await this.#syncAll();
    await this.#act("alice", async ({ chat }) => {
      await chat.remove(theOnly(chat), this.#keyOf("carol"));
    });
    await this.#syncAll();
    for (const name of ["alice", "bob"]) await this.#send(name, 2);
    await this.#invite("carol");
    await this.#syncAll();
    for (const name of this.#people.keys()) await this.#send(name, 2);
    await this.#syncAll();
    await this.#act("carol", async ({ chat }) => {
      if (chat.list()[0]?.status === "active") await chat.leave(theOnly(chat));
    });
    await this.#syncAll();
    await this.#send("bob", 2);
    this.#isSafe = true;
    await this.#syncAll();
  }

  async #outcome(): Promise<Outcome> {
    await Promise.all([...this.#people.values()].map((mortal) => mortal.act(async () => {})));
    const people = [...this.#people.values()].map(({ person }) => person);
    const { ciphertexts, usedTwice } = await this.#keyUses.check();
    const faults = [
      ...(await this.#ledger.faults(people)),
      ...this.#oddEvents,
      ...usedTwice.map((use) => `${use} twice`),
    ];
    const messages = [...this.#wanted.values()].reduce((sum, count) => sum + count, 0);
    return { deaths: this.#deaths(), deathsAt: this.#deathsAt, messages, ciphertexts, faults };
  }

  #born(name: string): Mortal {
    const { server, folder, random, deathChance, wrap } = this.#options;
    return new Mortal({
      name,
      server,
      file: `${folder}/${name}.db`,
      dies: (point) => {
        // every read passes this one, also those that bring nothing
        const chance = point === "receive: fetched" ? deathChance / 5 : deathChance;
        const lives = this.#isSafe || random() >= chance;
        if (!lives) this.#deathsAt.set(point, (this.#deathsAt.get(point) ?? 0) + 1);
        return !lives;
      },
      onCheckpoint: (person) => this.#observe(person),
      ...(wrap === undefined ? {} : { wrap }),
    });
  }

  /** Afterwards the ledger knows the group as this person has it, and the key book every ciphertext that stands. */
  async #act(name: string, action: (person: Person) => Promise<void>): Promise<void> {
    const mortal = this.#people.get(name) as Mortal;
    await mortal.act(action);
    const { person } = mortal; // nobody dies between actions
    await this.#observe(person);
    await this.#lookAtInboxes();
  }

  /** At each checkpoint, so that no epoch passes unseen. */
  async #observe(person: Person): Promise<void> {
    this.#ledger.observe(person);
    for (const { id, epoch } of person.chat.list()) {
      if (this.#keyUses.knows(epoch)) continue;
      const snapshot = await person.records.get(`group/${id}`);
      if (snapshot !== undefined) this.#keyUses.learn(snapshot);
    }
  }

  async #lookAtInboxes(): Promise<void> {
    const accessToken = new TextEncoder().encode(this.#options.server.token);
    const auth = { version: protocolVersion, accessToken, deviceId: new Uint8Array(0) };
    for (const { key } of this.#people.values()) {
      if (key === undefined) continue;
      const inbox = { recipientKey: key, channelId: new Uint8Array(0), version: protocolVersion, auth };
      const { payloads } = await (this.#looker as NodeClient).call("peek", {
        ...inbox,
        limit: 0,
        after: 0n,
        storeEpoch: 0n,
      });
      for (const { data } of payloads) this.#keyUses.see(data);
    }
  }

  async #invite(name: string): Promise<void> {
    await this.#act("alice", async ({ chat }) => {
      await chat.invite(theOnly(chat), this.#keyOf(name));
    });
  }

  async #renew(name: string): Promise<void> {
    await this.#act(name, ({ chat }) => chat.update(theOnly(chat)));
  }

  /** The next `count` messages, all at once; those that an earlier life made durable are not sent again. */
  async #send(name: string, count: number): Promise<void> {
    const first = (this.#wanted.get(name) ?? 0) + 1;
    const last = first + count - 1;
    this.#wanted.set(name, last);
    await this.#act(name, async ({ chat, key }) => {
      const id = theOnly(chat);
      const history = await chat.history(id, { limit: 100_000 });
      const mine = history.filter(({ sender, message }) => message.type === "chat" && sender.toHex() === key.toHex());
      const missing = Array.from({ length: last - mine.length }, (_, i) => mine.length + 1 + i);
      await Promise.all(missing.map((number) => chat.send(id, chatMessage(`${name} ${number}`))));
    });
  }

  async #sync(name: string): Promise<void> {
    await this.#act(name, async (person) => {
      for (const event of await person.sync()) if (isOdd(event)) this.#oddEvents.push(`${name}: ${oddText(event)}`);
    });
  }

  /** Twice: what one does while it syncs (commits for those who leave) is for the others. */
  async #syncAll(): Promise<void> {
    for (const name of [...this.#people.keys(), ...this.#people.keys()]) await this.#sync(name);
  }

  #keyOf(name: string): IdentityKey {
    return this.#people.get(name)?.key as IdentityKey;
  }

  #deaths(): number {
    return [...this.#people.values()].reduce((sum, { deaths }) => sum + deaths, 0);
  }
}

export function chatMessage(body: string): AppMessage {
  return { type: "chat", msgId: new Uint8Array(randomBytes(16)), body };
}

export function theOnly(chat: Person["chat"]): ConversationId {
  const [conversation] = chat.list();
  if (conversation === undefined) throw new Error("no conversation yet");
  return conversation.id;
}

/** Nothing of this belongs into a group whose members only die and come back. */
function isOdd({ kind }: ChatEvent): boolean {
  return ["refused", "gap", "broken", "failed", "undelivered", "eventsDropped"].includes(kind);
}

function oddText(event: ChatEvent): string {
  return event.kind === "refused" ? `refused: ${event.reason}` : event.kind;
}
