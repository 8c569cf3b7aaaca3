/**
 * All that the log's writer knows, made by carrying out records in their order: live, at recovery, and for a checkpoint.
 */
import { GroupIndex } from "./group-index.ts";
import { IdTable } from "./id-table.ts";
import { type Inbox, InboxIndex, type SlotWatch } from "./inbox-index.ts";
import { LifeHeap } from "./life-heap.ts";
import type {
  CommitName,
  GroupCommitRecord,
  GroupRecord,
  IdRecord,
  InboxRecord,
  MarkRecord,
  MessageRecord,
  Place,
  RecordTarget,
  StandingRecord,
} from "./records.ts";
import { SegmentUse } from "./segment-use.ts";

export class LogState implements RecordTarget {
  readonly inboxes: InboxIndex;
  readonly ids = new IdTable();
  readonly groups = new GroupIndex();
  readonly lives: LifeHeap;
  readonly use: SegmentUse;
  /** Inboxes whose oldest message is a tombstone: work for the sweep. */
  readonly trimDue = new Set<Inbox>();

  constructor() {
    const watch: SlotWatch = {
      added: (slot) => {
        this.lives.add(slot);
        this.use.added(slot);
      },
      removed: (slot) => {
        this.lives.remove(slot);
        this.use.removed(slot);
      },
      headChanged: (inbox, isTombstone) => {
        if (isTombstone) this.trimDue.add(inbox);
        else this.trimDue.delete(inbox);
      },
    };
    this.inboxes = new InboxIndex(watch);
    this.lives = new LifeHeap(this.inboxes.pool);
    this.use = new SegmentUse(this.inboxes.pool);
  }

  message(record: MessageRecord, place: Place): void {
    const inbox = this.inboxes.message(record, place);
    const { messageId, seq, enqueuedAtMs: atMs } = record;
    if (inbox !== undefined && messageId !== undefined) this.ids.add({ number: inbox.number, messageId, seq, atMs });
  }

  mark(record: MarkRecord): void {
    this.inboxes.mark(record);
  }

  ack(inbox: Inbox["key"], upTo: number): void {
    this.inboxes.ack(inbox, upTo);
  }

  trim(inbox: Inbox["key"], upTo: number): void {
    this.inboxes.trim(inbox, upTo);
  }

  tombstone(inbox: Inbox["key"], seq: number): void {
    this.inboxes.tombstone(inbox, seq);
  }

  /** Its ids stand for nobody from then on, and go when they are old. */
  removeInbox(key: Inbox["key"]): void {
    const inbox = this.inboxes.find(key);
    if (inbox === undefined) return;
    this.trimDue.delete(inbox);
    this.inboxes.removeInbox(key);
  }

  forgetIds(count: number): void {
    this.ids.forget(count);
  }

  group(record: GroupRecord): void {
    this.groups.set(record);
  }

  groupCommit(record: GroupCommitRecord): void {
    this.groups.add(record);
  }

  removeGroup(groupId: string): void {
    this.groups.remove(groupId);
  }

  removeGroupCommit(name: CommitName): void {
    this.groups.removeCommit(name);
  }

  inbox(record: InboxRecord): void {
    this.inboxes.restore(record);
  }

  standing(record: StandingRecord): void {
    this.inboxes.standing(record);
  }

  id(record: IdRecord): void {
    this.ids.add(record);
  }
}
