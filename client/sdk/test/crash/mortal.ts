/**
 * A person whose client dies at checkpoints and is started again on the same records, until what it was to do is done.
 * Dying here means: the client never comes back from the checkpoint, its connection is cut, its records are closed; the
 * next one has what was durable and nothing else. (kills.test.ts does the same to real processes.)
 */
import type { RecordStore } from "quicproquo-core";
import type { IdentityKey } from "quicproquo-proto";
import type { CheckpointName } from "quicproquo-sdk";
import type { ServerProcess } from "quicproquo-server/testing";
import { Person } from "../person.ts";

export type MortalOptions = {
  readonly name: string;
  readonly file: string;
  readonly server: ServerProcess;
  /** Whether to die here. */
  readonly dies: (name: CheckpointName) => boolean;
  /** Called at each checkpoint with the living. */
  readonly onCheckpoint: (person: Person) => Promise<void>;
  /** Stands between the client and its records: a planted fault. */
  readonly wrap?: (records: RecordStore) => RecordStore;
};

/** One client from its start to its death. */
type Life = { readonly person: Person; readonly died: Promise<"died"> };

export class Mortal {
  readonly #options: MortalOptions;
  #state: Person["state"] | undefined;
  #life: Promise<Life> | undefined;
  #person: Person | undefined;
  deaths = 0;

  constructor(options: MortalOptions) {
    this.#options = options;
  }

  /** The one that lives now. */
  get person(): Person {
    if (this.#person === undefined) throw new Error("nobody lives");
    return this.#person;
  }

  /** undefined before the first life. */
  get key(): IdentityKey | undefined {
    return this.#state?.identity.identityKey;
  }

  /** Resolves when one life has brought the action to its end. The action is begun anew in each. */
  async act(action: (person: Person) => Promise<void>): Promise<void> {
    for (;;) {
      this.#life ??= this.#live();
      const { person, died } = await this.#life;
      const running = action(person).then(() => "done" as const);
      running.catch(() => {}); // a dead one's connection breaks under it
      if ((await Promise.race([running, died])) === "done") return;
    }
  }

  async close(): Promise<void> {
    await this.#person?.close();
  }

  async #live(): Promise<Life> {
    const death = Promise.withResolvers<"died">();
    const { server, name, file, wrap } = this.#options;
    let person: Person | undefined;
    let isDead = false;
    const checkpoint = async (point: CheckpointName): Promise<void> => {
      if (isDead) await new Promise(() => {});
      if (person !== undefined) await this.#options.onCheckpoint(person);
      if (!this.#options.dies(point)) return;
      isDead = true;
      this.deaths++;
      await person?.close();
      this.#person = undefined;
      this.#life = undefined;
      death.resolve("died");
      await new Promise(() => {});
    };
    const place = {
      name,
      file,
      ...(this.#state === undefined ? {} : { state: this.#state }),
      ...(wrap === undefined ? {} : { wrap }),
    };
    person = await Person.open(server, place, { checkpoint });
    this.#state = person.state;
    this.#person = person;
    return { person, died: death.promise };
  }
}
