/** How much room there is where the data folder stands. */
import { statfsSync } from "node:fs";

type DiskRoom = { readonly sizeBytes: number; readonly availableBytes: number };

/** Undefined where the folder is not there. About 10 us. */
export function diskRoomOf(folder: string): DiskRoom | undefined {
  try {
    const { blocks, bavail, bsize } = statfsSync(folder);
    return { sizeBytes: blocks * bsize, availableBytes: bavail * bsize };
  } catch {
    return undefined;
  }
}
