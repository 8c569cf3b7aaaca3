/** What the threads of the log are started with. */
import type { WriteSettings } from "../sqlite/protocol.ts";

export type LogWriteSettings = WriteSettings & {
  /** Of Positions. */
  readonly positions: SharedArrayBuffer;
  readonly segmentBytesMax: number;
};
export type LogReadSettings = { readonly file: string; readonly positions: SharedArrayBuffer };
export type CheckpointTask = { readonly folder: string; readonly logId: number; readonly number: number };
