/**
 * Writes the state before a segment into a file, so that what stands before it is needed for bodies only.
 *
 * It is made of files alone (the checkpoint before, and the segments since) and not of the writer's memory, so that
 * nobody waits for it: recovery, done ahead.
 */
import { BatchFile } from "./batch-file.ts";
import { checkpointPath, type LogFiles, listLogFolder, reservePath, unfinishedEnd } from "./files.ts";
import { baseOf, type Inbox } from "./inbox-index.ts";
import { RecordWriter } from "./record-writer.ts";
import { type LogSource, replayBefore } from "./recovery.ts";
import { LogState } from "./state.ts";

/** Records of a checkpoint go to the disk in batches of about this size. */
const batchBytes = 1024 * 1024;

/** Durable, and under its name, when it returns. On a full disk it takes the log's reserve; else it leaves nothing behind. */
export function makeCheckpoint(source: LogSource, number: number): void {
  const { files, folder } = source;
  const state = new LogState();
  replayBefore(source, state, number);
  try {
    writeCheckpoint(source, state, number);
  } catch (error) {
    const isFull = (error as NodeJS.ErrnoException).code === "ENOSPC";
    if (!isFull || !listLogFolder(files, folder).hasReserve) throw error;
    files.remove(reservePath(folder));
    writeCheckpoint(source, state, number);
  }
}

function writeCheckpoint({ files, folder, logId }: LogSource, state: LogState, number: number): void {
  const path = checkpointPath(folder, number);
  const unfinished = `${path}${unfinishedEnd}`;
  files.remove(unfinished);
  try {
    writeFile(files, unfinished, { state, logId, number });
  } catch (error) {
    files.remove(unfinished);
    throw error;
  }
  files.rename(unfinished, path);
  files.syncFolder(folder);
}

type Content = { readonly state: LogState; readonly logId: number; readonly number: number };

function writeFile(files: LogFiles, path: string, { state, logId, number }: Content): void {
  const file = BatchFile.create(files, path, { logId, number, kind: "checkpoint" });
  try {
    const writer = new RecordWriter();
    writer.begin(0, file.end);
    const flushWhenLong = (): void => {
      if (writer.length < batchBytes) return;
      file.write(writer);
      writer.begin(0, file.end);
    };
    writeInboxes(state, writer, flushWhenLong);
    const lasts = new Map([...state.inboxes.inboxes].map((inbox) => [inbox.number, inbox.last]));
    for (const id of state.ids.entries((number) => lasts.get(number) ?? 0)) {
      // Its inbox is gone, and the number may become another one's: nobody's, but it keeps its place among the ids.
      writer.id(lasts.has(id.number) ? id : { ...id, number: 0 });
      flushWhenLong();
    }
    for (const group of state.groups.groups) {
      writer.group(group);
      flushWhenLong();
    }
    for (const commit of state.groups.commits) {
      writer.groupCommit(commit);
      flushWhenLong();
    }
    if (!writer.isEmpty) file.write(writer);
    writer.begin(0, file.end);
    file.write(writer);
    file.sync();
  } finally {
    file.close();
  }
}

function writeInboxes({ inboxes }: LogState, writer: RecordWriter, flushWhenLong: () => void): void {
  const { pool } = inboxes;
  for (const inbox of inboxes.inboxes) {
    const { key, number, acked, trimmed } = inbox;
    writer.inbox({ inbox: key, number, acked, trimmed });
    for (let seq = baseOf(inbox) + 1; seq <= inbox.last; seq++) {
      const slot = inboxes.slotOf(inbox as Inbox, seq) as number;
      writer.standing({
        flags: pool.flags[slot] as number,
        segment: pool.segment[slot] as number,
        offset: pool.offset[slot] as number,
        recordBytes: pool.recordBytes[slot] as number,
        bodyBytes: pool.bodyBytes[slot] as number,
        bodyOffset: pool.bodyOffset[slot] as number,
        enqueuedAtMs: pool.enqueuedAtMs[slot] as number,
        expiresAtMs: pool.expiresAtMs[slot] as number,
        sender: inboxes.senderOf(slot),
      });
      flushWhenLong();
    }
    flushWhenLong();
  }
}
