/**
 * The process that a crash test kills while it removes: takes KeyPackages and acknowledges inboxes step by step, and
 * prints `take <package>` or `ack <inbox> <seq>` only after the store said that it is done.
 */
import { openEmbeddedStore } from "../../src/store/index.ts";
import { inboxCount, inboxNumber, takenFrom } from "./messages.ts";
import { limits } from "./trial-limits.ts";

export type RemoverTask = { readonly file: string; readonly messagesAnInbox: number };

async function remove({ file, messagesAnInbox }: RemoverTask): Promise<void> {
  const store = await openEmbeddedStore({ file, limits, clock: Date.now });
  async function takeAll(): Promise<void> {
    for (;;) {
      const taken = await store.keys.takeKeyPackage(takenFrom);
      if (taken === undefined) return;
      process.stdout.write(`take ${Buffer.from(taken).toString("hex")}\n`);
    }
  }
  async function ackAll(inbox: number): Promise<void> {
    for (let seq = 1; seq <= messagesAnInbox; seq++) {
      await store.log.ack(inboxNumber(inbox), BigInt(seq), 0n);
      process.stdout.write(`ack ${inbox} ${seq}\n`);
    }
  }
  const takers = Array.from({ length: 8 }, takeAll);
  await Promise.all([...takers, ...Array.from({ length: inboxCount }, (_, i) => ackAll(i))]);
}

process.stdin.resume().on("end", () => process.exit(0));
await remove(JSON.parse(process.argv[2] ?? "") as RemoverTask);
