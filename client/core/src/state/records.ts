/**
 * The port to the client's durable records: groups, outbox, messages, cursor. What a client must not forget stands here
 * before it acts on it.
 *
 * Every implementation promises: `write` is durable when it resolves, whole or not at all, also through a power cut;
 * writes take effect in the order of the calls; one writer at a time owns the store (the second opener is refused).
 * What is read belongs to the caller; what is handed in is copied or done with when the call resolves.
 */

/** `folder/name`, both of at least one character; a folder may hold slashes itself. At most {@link recordIdBytesMax} bytes. */
export type RecordId = string;

export type RecordEntry = { readonly id: RecordId; readonly bytes: Uint8Array };

/** bytes = undefined deletes; deleting what is not there changes nothing. */
export type RecordChange = { readonly id: RecordId; readonly bytes: Uint8Array | undefined };

export interface RecordStore {
  get(id: RecordId): Promise<Uint8Array | undefined>;
  /** The records of exactly this folder (not of folders in it), ascending by id. */
  list(folder: string): Promise<readonly RecordEntry[]>;
  /** A later change of the same id in the batch wins. */
  write(batch: readonly RecordChange[]): Promise<void>;
  /** Gives up the ownership. Calls after it are broken invariants. */
  close(): Promise<void>;
}

/** Ids are ours, so a longer one is a broken invariant. */
export const recordIdBytesMax = 256;
/** A group's snapshot at 1,000 members has 0.4 to 1.9 MB (design/mls.md); a record over this is refused before any work. */
export const recordBytesMax = 16 * 1024 * 1024;
