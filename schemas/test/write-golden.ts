/**
 * `node schemas/test/write-golden.ts` writes the golden frames anew. Only for a method that is new: a released method's
 * frame never changes, since old peers send and read exactly these bytes.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { goldenFrames, goldenFolder } from "./golden-frames.ts";

mkdirSync(goldenFolder, { recursive: true });
for (const { file, dump } of goldenFrames()) writeFileSync(file, dump);
