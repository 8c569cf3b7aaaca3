/** A message log without threads, on a disk in memory, and all that it says of itself. */
import { createHash } from "node:crypto";
import { makeCheckpoint } from "../../src/store/log/checkpoint.ts";
import { OpenSegments } from "../../src/store/log/follower.ts";
import { baseOf } from "../../src/store/log/inbox-index.ts";
import { Positions } from "../../src/store/log/positions.ts";
import { LogWriter } from "../../src/store/log/writer.ts";
import { inboxOf, messageIdOf, identityOf } from "../conformance/subject.ts";
import type { Append } from "../../src/store/port.ts";
import type { UnsureDisk } from "./unsure-disk.ts";

export const folder = "/log";
const logId = 77;
const farSegment = 2 ** 30;

export class LogRig {
  readonly disk: UnsureDisk;
  readonly writer: LogWriter;
  nowMs: number;
  /** The checkpoint that is to be made. */
  checkpointDue: number | undefined;
  /** Of what was sent: it need not stand on the disk yet. */
  readonly #hashes = new Map<string, string>();
  /** What they were before this batch. */
  readonly #before = new Map<string, string | undefined>();
  #group = 0;

  constructor(disk: UnsureDisk, nowMs: number, segmentBytesMax = 2_048) {
    this.disk = disk;
    this.nowMs = nowMs;
    const positions = new Positions();
    // nobody reads beside it
    positions.tellFollowed({ segment: farSegment, offset: 0 });
    this.writer = new LogWriter({
      files: disk.files,
      folder,
      logId,
      positions,
      segmentBytesMax,
      bytesMax: 2 ** 40,
      storeEpoch: 1n,
      queueDepthMax: 12,
      dedupeWindowMs: 50,
      groupLifeMs: 80,
      nowMs,
      startCheckpoint: (number) => (this.checkpointDue = number),
    });
  }

  /** One batch of some calls by chance; not committed. */
  fill(random: () => number): void {
    const { writer, nowMs } = this;
    this.#before.clear();
    writer.prepare({ calls: 4, bytes: 3_000, grows: true });
    for (let calls = 1 + Math.floor(random() * 4); calls > 0; calls--) {
      const inbox = inboxOf(`${Math.floor(random() * 3)}`);
      const entry = () => ({
        inbox: random() < 0.7 ? inbox : inboxOf("shared"),
        payload: Buffer.alloc(Math.floor(random() * 400), Math.floor(random() * 255)),
        messageId: random() < 0.5 ? messageIdOf(`${Math.floor(random() * 40)}`) : undefined,
        expiresAtMs: nowMs + [5, 40, 1_000_000][Math.floor(random() * 3)]!,
        sender: random() < 0.3 ? identityOf(`${Math.floor(random() * 2)}`) : undefined,
      });
      const luck = random();
      if (luck < 0.5) this.#append([entry()]);
      else if (luck < 0.65) {
        const payload = Buffer.alloc(300, calls);
        this.#append([entry(), entry(), entry()].map((one) => ({ ...one, payload })));
      } else if (luck < 0.75) {
        const epoch = BigInt(Math.floor(random() * 3));
        const hash = new Uint8Array(32);
        const names = { groupId: messageIdOf(`${this.#group++ % 2}`), messageId: messageIdOf(`${random()}`) };
        const entries = [entry(), entry()].map((one) => ({ ...one, messageId: undefined }));
        const commit = { ...names, epoch, proofHash: hash, nextProofHash: hash, entries };
        const answer = writer.commitGroup(commit, nowMs);
        if (answer.kind === "accepted") this.#note(entries, answer.seqs);
      } else if (luck < 0.9) writer.ack({ inbox, upTo: BigInt(Math.floor(random() * 60)), storeEpoch: 0n });
      else if (luck < 0.97) writer.sweep(5, nowMs);
      else writer.eraseInboxes(identityOf(`${Math.floor(random() * 3)}`), 5);
    }
  }

  #append(entries: readonly Append[]): void {
    const answers = this.writer.append(entries, this.nowMs);
    this.#note(
      entries,
      answers.map((answer) => (answer.kind === "stored" ? answer.seq : 0n)),
    );
  }

  #note(entries: readonly Append[], seqs: readonly bigint[]): void {
    for (const [i, { inbox, payload }] of entries.entries()) {
      const name = `${inbox} ${seqs[i]}`;
      if (!this.#before.has(name)) this.#before.set(name, this.#hashes.get(name));
      this.#hashes.set(name, hashOf(payload));
    }
  }

  /** The batch was refused: a seq that it gave to another message, in an inbox that it had erased, has its own again. */
  restore(): void {
    this.writer.restore();
    for (const [name, hash] of this.#before) {
      if (hash === undefined) this.#hashes.delete(name);
      else this.#hashes.set(name, hash);
    }
  }

  makeCheckpoint(number: number): void {
    makeCheckpoint({ files: this.disk.files, folder, logId }, number);
  }

  /** What is done between batches. */
  tend(random: () => number): void {
    this.nowMs += Math.floor(random() * 10);
    const { checkpointDue } = this;
    if (checkpointDue !== undefined && random() < 0.5) {
      this.checkpointDue = undefined;
      this.makeCheckpoint(checkpointDue);
      this.writer.upkeep.checkpointEnded();
    }
    if (random() < 0.3) this.writer.upkeep.sweep(this.nowMs);
    if (this.writer.upkeep.hasWork) this.writer.upkeep.step();
  }

  /** All that stands, in words that are the same for the same state; its bodies as they were sent, or as they are read. */
  describe(bodies: "sent" | "read" = "read"): string {
    const { inboxes, ids, groups, trimDue } = this.writer.journal.state;
    const { pool } = inboxes;
    const segments = new OpenSegments({ files: this.disk.files, folder });
    const lines: string[] = [];
    const keyOf = new Map<number, string>();
    const lastOf = new Map<number, number>();
    for (const inbox of inboxes.inboxes) {
      const key = createHash("sha256").update(inbox.key, "latin1").digest("hex").slice(0, 8);
      keyOf.set(inbox.number, key);
      lastOf.set(inbox.number, inbox.last);
      lines.push(`${key} last ${inbox.last} acked ${inbox.acked} trimmed ${inbox.trimmed} due ${trimDue.has(inbox)}`);
      for (let seq = baseOf(inbox) + 1; seq <= inbox.last; seq++) {
        const slot = inboxes.slotOf(inbox, seq)!;
        const [segment, bytes] = [pool.segment[slot]!, pool.bodyBytes[slot]!];
        const at = pool.bodyOffset[slot]! || pool.offset[slot]! + pool.recordBytes[slot]! - bytes;
        const sent = bodies === "sent" ? this.#hashes.get(`${inbox.key} ${seq}`) : undefined;
        const hash = segment === 0 ? "none" : (sent ?? hashOf(segments.read(segment, at, bytes)));
        const sender = Buffer.from(inboxes.senderOf(slot) ?? []).toString("hex");
        const life = `${pool.enqueuedAtMs[slot]} ${pool.expiresAtMs[slot]} ${pool.flags[slot]} ${sender}`;
        lines.push(`${key} ${seq} ${life} ${hash}`);
      }
    }
    for (const { number, messageId, seq, atMs } of ids.entries((number) => lastOf.get(number) ?? 0)) {
      // of an inbox that is gone nobody asks
      const key = keyOf.get(number);
      lines.push(
        `id ${key} ${Buffer.from(messageId).toString("hex").slice(0, 8)} ${key === undefined ? "" : seq} ${atMs}`,
      );
    }
    for (const { groupId, nextEpoch, usedAtMs } of groups.groups) {
      lines.push(`group ${JSON.stringify([groupId, nextEpoch, usedAtMs])}`);
    }
    for (const { groupId, messageId, seqs, committedAtMs } of groups.commits) {
      lines.push(`commit ${JSON.stringify([groupId, messageId, seqs, committedAtMs])}`);
    }
    return lines.join("\n");
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 12);
}
