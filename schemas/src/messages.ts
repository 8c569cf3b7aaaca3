/**
 * The codec tables: plain values <-> generated readers and builders. Only messages*.ts touches generated accessors.
 *
 * A row of `methodCodecs` is a method that front-ends serve: who adds one adds a row here, a row in the server's method
 * table and a golden frame.
 */
import { batchEnqueue, enqueue } from "./messages-enqueue.ts";
import { ack, fetch, fetchWait, health, peek } from "./messages-fetch.ts";
import {
  fetchHybridKey,
  fetchHybridKeys,
  fetchKeyPackage,
  uploadHybridKey,
  uploadKeyPackage,
} from "./messages-keys.ts";

/** In the order of ordinals. */
export const methodCodecs = {
  uploadKeyPackage,
  fetchKeyPackage,
  enqueue,
  fetch,
  fetchWait,
  health,
  uploadHybridKey,
  fetchHybridKey,
  peek,
  ack,
  fetchHybridKeys,
  batchEnqueue,
} as const;
