/** What a message costs this client's disk, and that it doesn't cost more in a larger group. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { RecordStore } from "quicproquo-core";
import { counted, type WriteCount } from "./counted-records.ts";
import type { Person } from "./person.ts";
import { Rig, chat } from "./rig.ts";

const rig = await Rig.start();
after(() => rig.close());

type Costs = { readonly send: WriteCount; readonly receive: WriteCount };

/** A message of 200 characters between two of so many, once all are warm. */
async function costsAmong(members: number): Promise<Costs> {
  const counts = new Map<string, WriteCount>();
  const wrap =
    (name: string) =>
    (records: RecordStore): RecordStore => {
      const count = { writes: 0, bytes: 0 };
      counts.set(name, count);
      return counted(records, count);
    };
  const people: Person[] = [];
  for (let i = 0; i < members; i++) people.push(await rig.person(`${members}-${i}`, {}, wrap(String(i))));
  const [alice, bob] = people as [Person, Person];
  const id = await rig.group(...(people as [Person, ...Person[]]));
  await bob.sync();
  const costOf = async (name: string, work: () => Promise<unknown>): Promise<WriteCount> => {
    const before = { ...(counts.get(name) as WriteCount) };
    await work();
    const { writes, bytes } = counts.get(name) as WriteCount;
    return { writes: writes - before.writes, bytes: bytes - before.bytes };
  };
  const message = chat("x".repeat(200));
  await alice.chat.send(id, message);
  await bob.sync();
  const send = await costOf("0", () => alice.chat.send(id, chat("x".repeat(200))));
  const receive = await costOf("1", () => bob.sync());
  return { send, receive };
}

test("a message is two writes to send and two to receive, of as many bytes among 12 members as among 2", async (t) => {
  const [small, large] = [await costsAmong(2), await costsAmong(12)];
  t.diagnostic(JSON.stringify({ among2: small, among12: large }));
  for (const { send, receive } of [small, large]) {
    assert.deepEqual([send.writes, receive.writes], [2, 2]);
  }
  // numbers and epochs have a digit more or less
  for (const step of ["send", "receive"] as const) {
    assert.ok(Math.abs(large[step].bytes - small[step].bytes) < 60, step);
  }
});
