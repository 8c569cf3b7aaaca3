/**
 * The process that a crash test kills: appends messages to the store and prints `number seq` only after the append
 * resolved. When all are sent, or the disk refused one, it waits to be killed; it ends by itself when its parent does.
 *
 * With a planted fault it prints first and stores later, as a store that acknowledges from memory would.
 */
import type { QpqError } from "quicproquo-proto";
import { openEmbeddedStore } from "../../src/store/index.ts";
import { messageNumber } from "./messages.ts";
import { ackBeforeCommit } from "./planted-faults.ts";
import { limits } from "./trial-limits.ts";

export type WriterTask = {
  readonly file: string;
  readonly firstMessage: number;
  readonly messagesMax: number;
  readonly inFlightMax: number;
  readonly plantedFault: "none" | "ack-before-commit";
};

async function write(task: WriterTask): Promise<void> {
  const store = await openEmbeddedStore({ file: task.file, limits, clock: Date.now });
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
  try {
    await Promise.all(Array.from({ length: task.inFlightMax }, sendNext));
  } catch (error) {
    next = end;
    process.stdout.write(`refused ${(error as QpqError).code}\n`);
  }
}

// With a file size limit (ulimit -f) a write beyond it fails with an error, unless this signal ends the process first.
process.on("SIGXFSZ", () => undefined);
process.stdin.resume().on("end", () => process.exit(0));
await write(JSON.parse(process.argv[2] ?? "") as WriterTask);
