/** Runs writer processes, kills them, and reads afterwards what the store kept. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { InboxKey } from "quicproquo-proto";
import { openSqliteStore } from "../../src/store/index.ts";
import { type Ledger, payloadHashOf } from "./ledger.ts";
import { inboxCount, inboxNumber, messageNumber, numberOf } from "./messages.ts";
import type { WriterTask } from "./writer-process.ts";

const writerFile = fileURLToPath(new URL("./writer-process.ts", import.meta.url));
const limits = { queueDepthMax: 1_000_000, dedupeWindowMs: 3_600_000, appendsInFlightMax: 10_000 };

/**
 * Starts a writer, kills it with SIGKILL when it has printed `killAfterAcks` acknowledgements, and enters all it printed
 * in the ledger. Answers the numbers of the acknowledged messages.
 */
export async function runAndKill(task: WriterTask, killAfterAcks: number, ledger: Ledger): Promise<Set<number>> {
  const child = spawn(process.execPath, [writerFile, JSON.stringify(task)], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const acknowledged = new Set<number>();
  // The pipe outlives the process: what was printed before the kill still arrives.
  for await (const line of createInterface({ input: child.stdout })) {
    const [number, seq] = line.split(" ");
    const { inbox, payload } = messageNumber(Number(number));
    ledger.acknowledge({ inbox, seq: BigInt(seq ?? ""), payloadHash: payloadHashOf(payload) });
    acknowledged.add(Number(number));
    if (acknowledged.size === killAfterAcks) child.kill("SIGKILL");
  }
  const [code, signal] = (await exited) as [number | null, string | null];
  if (signal !== "SIGKILL") throw new Error(`the writer ended by itself, code ${code}`);
  return acknowledged;
}

/** Reads every inbox from the beginning into the ledger; answers the message numbers of each in the order received. */
export async function drain(file: string, ledger: Ledger): Promise<Map<InboxKey, number[]>> {
  const store = await openSqliteStore({ file, limits, clock: Date.now });
  const numbers = new Map<InboxKey, number[]>();
  for (let i = 0; i < inboxCount; i++) {
    const inbox = inboxNumber(i);
    const query = { inbox, after: 0n, storeEpoch: 0n, limit: 1_000_000, bytesMax: 2 ** 30 };
    const { messages } = await store.log.read(query);
    for (const { seq, payload } of messages) ledger.receive({ inbox, seq, payloadHash: payloadHashOf(payload) });
    numbers.set(
      inbox,
      messages.map(({ payload }) => numberOf(payload)),
    );
  }
  await store.close();
  return numbers;
}
