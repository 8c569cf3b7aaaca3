/**
 * Random histories of a group: whatever is added, removed, renewed and left in whatever order, all members agree on the
 * epoch, whoever is out is locked out, and a newcomer can join at every point. States go through snapshot and deltas at
 * every step, as a client's do.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { MlsGroup } from "quicproquo-core";
import { addAll, commitAll, hex, Person } from "./people.ts";

type Step =
  | { readonly kind: "add"; readonly by: number; readonly count: number }
  | { readonly kind: "remove"; readonly by: number; readonly which: readonly number[] }
  | { readonly kind: "update"; readonly by: number }
  | { readonly kind: "leave"; readonly by: number; readonly who: number }
  | { readonly kind: "say"; readonly by: number };

const index = fc.nat(1_000);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("add" as const), by: index, count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("remove" as const),
      by: index,
      which: fc.array(index, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("update" as const), by: index }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave" as const), by: index, who: index }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("say" as const), by: index }) },
);

const membersMax = 20;

class History {
  members: Person[];
  readonly gone: Person[] = [];

  constructor(first: Person) {
    this.members = [first];
  }

  async run(each: Step): Promise<void> {
    const by = pick(this.members, each.by);
    const others = this.members.filter((member) => member !== by);
    if (each.kind === "add") {
      const added = Array.from({ length: Math.min(each.count, membersMax - this.members.length) }, () => new Person());
      if (added.length > 0) await addAll(by, added, others);
      this.members.push(...added);
    } else if (each.kind === "update") {
      await commitAll(by, {}, others);
    } else if (each.kind === "say") {
      const message = await by.send("hello");
      for (const other of others) assert.equal(await other.hear(message), "hello");
      for (const other of this.gone) assert.notEqual((await other.group.process(message)).kind, "application");
    } else if (others.length > 0) {
      if (each.kind === "remove") {
        const removed = [...new Set(each.which.map((which) => pick(others, which)))];
        await commitAll(by, { remove: removed.map(({ leaf }) => leaf) }, others);
        this.#left(removed);
      } else {
        const who = pick(others, each.who);
        const { next, message } = await who.group.proposeLeave();
        who.group = next;
        for (const other of this.members)
          if (other !== who) assert.equal((await other.receive(message)).kind, "proposal");
        await commitAll(by, {}, others);
        this.#left([who]);
      }
    }
    this.#check();
  }

  #left(removed: readonly Person[]): void {
    this.members = this.members.filter((member) => !removed.includes(member));
    this.gone.push(...removed);
  }

  #check(): void {
    const [first] = this.members as [Person, ...Person[]];
    const expected = this.members.map(({ me, leaf }) => `${leaf} ${hex(me.identityKey)}`).sort();
    for (const member of this.members) {
      assert.equal(hex(member.group.epochAuthenticator), hex(first.group.epochAuthenticator));
      const seen = member.group.members.map(({ leafIndex, identityKey }) => `${leafIndex} ${hex(identityKey)}`).sort();
      assert.deepEqual(seen, expected);
      member.group = MlsGroup.restore(member.me, member.group.snapshot(), new Map());
    }
    for (const person of this.gone) assert.equal(person.group.isMember, false);
  }
}

function pick<T>(from: readonly T[], at: number): T {
  return from[at % from.length] as T;
}

test("after any history, all members agree and all others are locked out", async () => {
  const steps = fc.array(step, { minLength: 5, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const first = new Person();
      first.group = await MlsGroup.create(first.me, randomBytes(16), Date.now());
      const group = new History(first);
      for (const each of history) await group.run(each);
    }),
    { numRuns: 40, endOnFailure: false },
  );
});
