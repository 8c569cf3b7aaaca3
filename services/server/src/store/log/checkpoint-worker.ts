/** The thread that makes one checkpoint, beside the one that writes the log, and ends. */
import { workerData } from "node:worker_threads";
import { makeCheckpoint } from "./checkpoint.ts";
import { diskFiles } from "./files.ts";
import type { CheckpointTask } from "./protocol.ts";

const { folder, logId, number } = workerData as CheckpointTask;
makeCheckpoint({ files: diskFiles, folder, logId }, number);
