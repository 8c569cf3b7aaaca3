/** Runs processes on an embedded store, kills them, and reads afterwards what the store kept. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { InboxKey } from "quicproquo-proto";
import { openEmbeddedStore } from "../../src/store/index.ts";
import { type Ledger, payloadHashOf } from "./ledger.ts";
import type { CommitterTask } from "./committer-process.ts";
import type { DeleterTask } from "./deleter-process.ts";
import { inboxCount, inboxNumber, messageNumber, numberOf } from "./messages.ts";
import type { RemoverTask } from "./remover-process.ts";
import { limits } from "./trial-limits.ts";
import type { WriterTask } from "./writer-process.ts";

export type Run = {
  /** The process: a file beside this one, and its task as JSON. */
  readonly program: "writer-process.ts" | "remover-process.ts" | "committer-process.ts" | "deleter-process.ts";
  readonly task: WriterTask | RemoverTask | CommitterTask | DeleterTask;
  /** Answers true when the process is to be killed. Lines that were printed before the kill still come after it. */
  readonly onLine: (line: string) => boolean;
  /** Largest file the process may write, in KiB: beyond it writing fails with an I/O error. */
  readonly fileKibMax?: number;
};

/** Starts a process and kills it with SIGKILL as soon as `onLine` says so. */
export async function runUntilKilled({ program, task, onLine, fileKibMax }: Run): Promise<void> {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const node = [process.execPath, file, JSON.stringify(task)] as const;
  // exec: the shell becomes the process, so that the kill meets it.
  const limited = ["bash", "-c", `ulimit -f ${fileKibMax}; exec "$0" "$@"`, ...node] as const;
  const [command, ...args] = fileKibMax === undefined ? node : limited;
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  // The pipe outlives the process: what was printed before the kill still arrives.
  for await (const line of createInterface({ input: child.stdout })) {
    if (onLine(line)) child.kill("SIGKILL");
  }
  const [code, signal] = (await exited) as [number | null, string | null];
  if (signal !== "SIGKILL") throw new Error(`${program} ended by itself, code ${code}`);
}

export type WriterRun = { readonly task: WriterTask; readonly killAfterAcks: number; readonly fileKibMax?: number };

/**
 * Runs a writer, kills it when it has printed `killAfterAcks` acknowledgements or a refusal, and enters every
 * acknowledgement in the ledger. Answers the numbers of the acknowledged messages, and the code of the refusal.
 */
export async function runWriter({ killAfterAcks, ...run }: WriterRun, ledger: Ledger): Promise<WriterOutcome> {
  const acknowledged = new Set<number>();
  let refusal: string | undefined;
  await runUntilKilled({
    program: "writer-process.ts",
    ...run,
    onLine(line) {
      const [number = "", seq = ""] = line.split(" ");
      if (number === "refused") {
        refusal = seq;
        return true;
      }
      const { inbox, payload } = messageNumber(Number(number));
      ledger.acknowledge({ inbox, seq: BigInt(seq), payloadHash: payloadHashOf(payload) });
      acknowledged.add(Number(number));
      return acknowledged.size === killAfterAcks;
    },
  });
  return { acknowledged, refusal };
}
export type WriterOutcome = { readonly acknowledged: ReadonlySet<number>; readonly refusal: string | undefined };

/** The two ways in which the embedded store keeps its messages. */
export const messagePlaces = ["tables", "log"] as const;
export type MessagePlace = (typeof messagePlaces)[number];

/** A store of the kind, made and closed, in a folder that is gone afterwards. */
export async function withStoreFile(place: MessagePlace, body: (file: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "qpq-crash-"));
  try {
    const file = join(folder, "qpq.db");
    await (await openEmbeddedStore({ file, limits, clock: Date.now, messageLog: place === "log" })).close();
    await body(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Reads every inbox from the beginning into the ledger; answers the message numbers of each in the order received. */
export async function drain(file: string, ledger: Ledger): Promise<Map<InboxKey, number[]>> {
  const store = await openEmbeddedStore({ file, limits, clock: Date.now });
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
