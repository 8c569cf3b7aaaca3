/**
 * Where a crash can fall between two durable steps. A client calls the hook there and waits for it; the crash test kills
 * the process in it, or never lets go. Nothing else uses it.
 */
export type CheckpointName =
  | "send: encrypted"
  | "send: durable"
  | "send: enqueued"
  | "send: settled"
  | "commit: made"
  | "commit: durable"
  | "commit: submitted"
  | "commit: settled"
  | "receive: fetched"
  | "receive: processed"
  | "receive: durable"
  | "keys: durable"
  | "keys: uploaded";

export type Checkpoint = (name: CheckpointName) => Promise<void>;

export const noCheckpoint: Checkpoint = () => Promise.resolve();
