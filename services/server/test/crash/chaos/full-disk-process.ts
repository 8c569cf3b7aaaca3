/** A trial on a disk of its own, in a process that must be started in a mount namespace of its own (run.ts). */
import { tellOf } from "./alone.ts";
import { runDiskTrial } from "./full-disk.ts";

await tellOf(runDiskTrial);
