/**
 * The process that a crash test kills: appends messages to the store and prints `number seq` only after the append
 * resolved. When all are sent it waits to be killed; it ends by itself when its parent does.
 *
 * With a planted fault it prints first and stores later, as a store that acknowledges from memory would.
 */
import { openSqliteStore } from "../../src/store/index.ts";
import type { Append, Appended } from "../../src/store/port.ts";
import { messageNumber } from "./messages.ts";

export type WriterTask = {
  readonly file: string;
  readonly firstMessage: number;
  readonly messagesMax: number;
  readonly inFlightMax: number;
  readonly plantedFault: "none" | "ack-before-commit";
};

type AppendOne = (entry: Append) => Promise<Appended>;

const limits = { queueDepthMax: 1_000_000, dedupeWindowMs: 3_600_000, appendsInFlightMax: 10_000 };

/** The fault: appends are handed to the store in groups of 500 and acknowledged before. */
function ackBeforeCommit(append: AppendOne): AppendOne {
  const held: Append[] = [];
  const seqs = new Map<string, bigint>();
  return async (entry) => {
    held.push(entry);
    if (held.length === 500) await Promise.all(held.splice(0).map(append));
    const seq = (seqs.get(entry.inbox) ?? 0n) + 1n;
    seqs.set(entry.inbox, seq);
    return { kind: "stored", seq };
  };
}

async function write(task: WriterTask): Promise<void> {
  const store = await openSqliteStore({ file: task.file, limits, clock: Date.now });
  const append = task.plantedFault === "none" ? store.log.append : ackBeforeCommit(store.log.append);
  let next = task.firstMessage;
  const end = task.firstMessage + task.messagesMax;
  async function sendNext(): Promise<void> {
    while (next < end) {
      const number = next++;
      const answer = await append(messageNumber(number));
      if (answer.kind === "full") throw new Error("the inbox is full");
      process.stdout.write(`${number} ${answer.seq}\n`);
    }
  }
  await Promise.all(Array.from({ length: task.inFlightMax }, sendNext));
}

process.stdin.resume().on("end", () => process.exit(0));
await write(JSON.parse(process.argv[2] ?? "") as WriterTask);
