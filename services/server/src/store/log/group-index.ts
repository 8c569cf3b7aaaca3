/** Groups and their accepted commits, in memory: the oldest of each first. It carries out records. */
import type { CommitName, GroupCommitRecord, GroupRecord } from "./records.ts";

export class GroupIndex {
  readonly #groups = new Map<string, GroupRecord>();
  readonly #commits = new Map<string, GroupCommitRecord>();

  get groups(): Iterable<GroupRecord> {
    return this.#groups.values();
  }

  get commits(): Iterable<GroupCommitRecord> {
    return this.#commits.values();
  }

  group(groupId: string): GroupRecord | undefined {
    return this.#groups.get(groupId);
  }

  commit(name: CommitName): GroupCommitRecord | undefined {
    return this.#commits.get(nameOf(name));
  }

  set(group: GroupRecord): void {
    this.#groups.delete(group.groupId);
    this.#groups.set(group.groupId, group);
  }

  add(commit: GroupCommitRecord): void {
    this.#commits.set(nameOf(commit), commit);
  }

  remove(groupId: string): void {
    this.#groups.delete(groupId);
  }

  removeCommit(name: CommitName): void {
    this.#commits.delete(nameOf(name));
  }
}

/** A group's id has any length, a message id 16 bytes. */
function nameOf({ groupId, messageId }: CommitName): string {
  return `${groupId}${messageId}`;
}
