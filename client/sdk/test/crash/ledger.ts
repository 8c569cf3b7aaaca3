/**
 * What must hold at the end, whatever died in between: each message that its sender's history has was received exactly
 * once, in order, by everybody who was a member in its epoch; nothing was refused, lost or read too late.
 */
import type { HistoryEntry } from "quicproquo-sdk";
import type { Person } from "../person.ts";

export class Ledger {
  /** Who was in the group, by epoch. */
  readonly #members = new Map<bigint, ReadonlySet<string>>();

  /** Called so often that nobody comes or goes in an epoch that passes unseen. */
  observe(person: Person): void {
    for (const { epoch, members, status } of person.chat.list()) {
      // who is out has no say in who is in
      if (status === "left") continue;
      this.#members.set(epoch, new Set(members.map((key) => key.toHex())));
    }
  }

  /** What is wrong, in words. */
  async faults(people: readonly Person[]): Promise<string[]> {
    const faults: string[] = [];
    const histories = new Map<string, readonly HistoryEntry[]>();
    for (const person of people) {
      const [conversation] = person.chat.list();
      if (conversation === undefined) return [`${person.name} has no conversation`];
      if (conversation.pastCount > 0) faults.push(`${person.name} got ${conversation.pastCount} messages too late`);
      if (conversation.pendingCount > 0) faults.push(`${person.name} has messages that never left`);
      histories.set(person.name, await person.chat.history(conversation.id, { limit: 100_000 }));
    }
    for (const sender of people) {
      const own = chatsOf(histories.get(sender.name) ?? [], sender);
      const bodies = own.map(({ body }) => body);
      const wanted = own.map((_, i) => `${sender.name} ${i + 1}`);
      if (bodies.join() !== wanted.join()) faults.push(`${sender.name} sent ${bodies.join()}`);
      for (const receiver of people) {
        if (receiver === sender) continue;
        const expected = own.filter(({ epoch }) => this.#membersAt(epoch).has(receiver.key.toHex()));
        const received = chatsOf(histories.get(receiver.name) ?? [], sender);
        const [want, have] = [expected, received].map((list) => list.map(({ body }) => body).join());
        if (want !== have) faults.push(`${receiver.name} should have ${want} and has ${have}`);
      }
    }
    return faults;
  }

  /** Of an epoch that passed unseen: of the next that was seen. */
  #membersAt(epoch: bigint): ReadonlySet<string> {
    const seen = [...this.#members.keys()].sort((a, b) => (a < b ? -1 : 1));
    const next = seen.find((one) => one >= epoch);
    return (next === undefined ? undefined : this.#members.get(next)) ?? new Set();
  }
}

function chatsOf(history: readonly HistoryEntry[], sender: Person): { body: string; epoch: bigint }[] {
  return history.flatMap((entry) =>
    entry.message.type === "chat" && entry.sender.toHex() === sender.key.toHex()
      ? [{ body: entry.message.body, epoch: entry.epoch }]
      : [],
  );
}
