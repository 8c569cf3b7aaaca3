/** People with identities and groups, for the tests: what they say goes through real messages only. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  Identity,
  MlsGroup,
  MlsKeyPackage,
  type PeerKeyPackage,
  type Processed,
  parseKeyPackage,
} from "quicproquo-core";
import { QpqError, type ErrorCode } from "quicproquo-proto";

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(content: Uint8Array): string {
  return new TextDecoder().decode(content);
}

export function hex(content: Uint8Array): string {
  return content.toHex();
}

/** One member's side of one group: each operation replaces its value, as a caller would after saving it. */
export class Person {
  readonly me: Identity = Identity.generate();
  #group: MlsGroup | undefined;

  get group(): MlsGroup {
    assert.ok(this.#group !== undefined, "not in a group");
    return this.#group;
  }

  set group(group: MlsGroup) {
    this.#group = group;
  }

  get leaf(): number {
    return this.group.myLeaf;
  }

  async send(said: string): Promise<Uint8Array> {
    const { next, message } = await this.group.encrypt(bytes(said));
    this.group = next;
    return message;
  }

  /** Takes the message and goes on from it, unless it was refused, past or future. */
  async receive(message: Uint8Array): Promise<Processed> {
    const processed = await this.group.process(message);
    if ("next" in processed) this.group = processed.next;
    return processed;
  }

  /** The text, when the message is readable; else undefined. */
  async hear(message: Uint8Array): Promise<string | undefined> {
    const processed = await this.receive(message);
    return processed.kind === "application" ? text(processed.content) : undefined;
  }
}

export async function packageOf(person: Person, lastResort = false): Promise<MlsKeyPackage> {
  return MlsKeyPackage.generate(person.me, { nowMs: Date.now(), lastResort });
}

export async function parsedPackageOf(person: Person): Promise<PeerKeyPackage> {
  return parseKeyPackage((await packageOf(person)).public, person.me.identityKey, Date.now());
}

/** `by` adds them with one commit; the members among `others` process it, the new ones join. */
export async function addAll(by: Person, added: readonly Person[], others: readonly Person[] = []): Promise<void> {
  const own = await Promise.all(added.map((person) => packageOf(person)));
  const peers = own.map((each, at) => parseKeyPackage(each.public, (added[at] as Person).me.identityKey, Date.now()));
  const { next, commit, welcome } = await by.group.commit({ add: await Promise.all(peers) });
  assert.ok(welcome !== undefined);
  for (const other of others) assert.equal((await other.receive(commit)).kind, "commit");
  by.group = next;
  for (const [at, person] of added.entries()) {
    const mine = own[at] as MlsKeyPackage;
    person.group = (
      await MlsGroup.join(person.me, welcome, (ref) => (hex(ref) === hex(mine.ref) ? mine : undefined))
    ).group;
  }
}

/** A group of `count`, made by one commit of the first. */
export async function groupOf(count: number): Promise<Person[]> {
  const people = Array.from({ length: count }, () => new Person());
  const [first, ...others] = people as [Person, ...Person[]];
  first.group = await MlsGroup.create(first.me, randomBytes(16), Date.now());
  if (others.length > 0) await addAll(first, others);
  return people;
}

/** `by` commits, and everybody else (who may be the one that is removed) takes it. */
export async function commitAll(
  by: Person,
  change: Parameters<MlsGroup["commit"]>[0],
  others: readonly Person[],
): Promise<Uint8Array> {
  const { next, commit } = await by.group.commit(change);
  for (const other of others) assert.equal((await other.receive(commit)).kind, "commit");
  by.group = next;
  return commit;
}

export async function rejectsWith(promise: Promise<unknown>, code: ErrorCode, about: RegExp = /./): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof QpqError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.text, about);
    return true;
  });
}
