/**
 * The embedded store on a disk that fills up: senders go on until it is full, the server is killed, there is room again,
 * the server is started; again and again. Then everything is read.
 */
import { setMaxListeners } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { randomOf } from "../../../testing/seed.ts";
import { startServerProcess } from "../../../testing/server-process.ts";
import { Book, type TrialFaults } from "./book.ts";
import { runHere } from "./front-end.ts";
import { recipientKeyOf } from "./messages.ts";
import { readAll, ways } from "./readers.ts";
import { Seat } from "./seat.ts";
import { enqueueAll } from "./senders.ts";

export type DiskTrialOptions = { readonly seed: number; readonly rounds: number };

export type DiskReport = {
  readonly acknowledged: number;
  /** Messages refused with E035_STORE_FULL. */
  readonly refusedFull: number;
  readonly found: TrialFaults;
  readonly lines: readonly string[];
};

const mebi = 1024 * 1024;
/** Of them each round gives some back. */
const ballastMebi = 16;
const freeMebiAtFirst = 14;
const freeMebiARound = 4;
const inboxes = 12;
const senders = 48;
const refusalsARound = 100;
const drainMsMax = 200_000;

/** This process must be alone in a mount namespace. */
export async function runDiskTrial({ seed, rounds }: DiskTrialOptions): Promise<DiskReport> {
  const folder = mkdtempSync(join(tmpdir(), "qpq-full-disk-"));
  runHere(["mount", "-t", "tmpfs", "-o", `size=${ballastMebi + freeMebiAtFirst}m`, "tmpfs", folder]);
  process.on("exit", () => {
    runHere(["umount", "--lazy", folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  const ballast = Array.from({ length: ballastMebi }, (_, i) => join(folder, `ballast-${i}`));
  for (const file of ballast) writeFileSync(file, Buffer.alloc(mebi, 1));
  const beganAtMs = performance.now();
  const book = new Book(() => performance.now() - beganAtMs);
  // how soon a message comes is not asked here
  book.lateness.beginFault(0);
  const start = () => startServerProcess({ dataDir: join(folder, "data"), settings: { "queue-depth-max": 1_000_000 } });
  let server = await start();
  // another port after each start
  const place = {
    name: "the server",
    host: "127.0.0.1",
    get keys() {
      return server;
    },
  };
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  let refusedFull = 0;
  let isSent = false;
  let seats = 0;
  const seat = (name: string): Seat =>
    new Seat({
      name,
      frontEnds: [place],
      random: randomOf(seed * 1_000 + seats++),
      over: over.signal,
      onUnexpected: (what) => book.unexpected(what),
      onRefused: (code) => {
        if (code === "E035_STORE_FULL") refusedFull++;
      },
    });
  const keys = Array.from({ length: inboxes }, (_, i) => recipientKeyOf(`inbox ${i}`));
  const sending = Array.from({ length: senders }, (_, sender) =>
    enqueueAll({
      seat: seat(`sender ${sender}`),
      book,
      sender,
      recipientKeys: [keys[sender % inboxes] as Uint8Array],
      isOver: () => isSent,
      pauseMs: () => 0,
    }),
  );
  for (let round = 1; round <= rounds; round++) {
    const target = round * refusalsARound;
    while (refusedFull < target) await pause(5);
    book.timeLine.fault(`the disk is full, SIGKILL, round ${round}`);
    await server.kill("SIGKILL");
    for (const file of ballast.splice(0, freeMebiARound)) rmSync(file);
    server = await start();
    book.timeLine.fault("there is room, the server is started");
  }
  isSent = true;
  // those who were refused last are answered when there is room
  for (const file of ballast.splice(0)) rmSync(file);
  await Promise.all(sending);
  const reading = keys.map((recipientKey, i) =>
    readAll({ seat: seat(`reader ${i}`), book, recipientKey, way: ways[i % ways.length] ?? "peek", waitMs: 1_000 }),
  );
  for (const endMs = performance.now() + drainMsMax; book.missing > 0 && performance.now() < endMs; ) await pause(20);
  over.abort();
  await Promise.all(reading);
  await server.kill("SIGKILL");
  return { acknowledged: book.acknowledged, refusedFull, found: book.faults(), lines: book.lines() };
}
