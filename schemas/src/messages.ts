/**
 * The codec tables: plain values <-> generated readers and builders. Only messages*.ts touches generated accessors.
 *
 * A row of `methodCodecs` is a method that front-ends serve: who adds one adds a row here, a row in the server's method
 * table and a golden frame.
 */
import {
  deleteAccount,
  opaqueLoginFinish,
  opaqueLoginStart,
  opaqueRegisterFinish,
  opaqueRegisterStart,
  renewToken,
  revokeTokens,
} from "./messages-accounts.ts";
import { downloadBlob, uploadBlob } from "./messages-blobs.ts";
import { listDevices, registerDevice, revokeDevice } from "./messages-devices.ts";
import {
  createChannel,
  publishDeliveryToken,
  publishEndpoint,
  resolveEndpoint,
  resolveIdentity,
  resolveUser,
  setBlocked,
} from "./messages-directory.ts";
import { batchEnqueue, enqueue, submitCommit } from "./messages-enqueue.ts";
import { ack, fetch, fetchWait, health, peek } from "./messages-fetch.ts";
import {
  fetchHybridKey,
  fetchHybridKeys,
  fetchKeyPackage,
  uploadHybridKey,
  uploadKeyPackage,
} from "./messages-keys.ts";
import { openSession } from "./messages-session.ts";

/** All of NodeService, in the order of ordinals. */
export const methodCodecs = {
  uploadKeyPackage,
  fetchKeyPackage,
  enqueue,
  fetch,
  fetchWait,
  health,
  uploadHybridKey,
  fetchHybridKey,
  opaqueRegisterStart,
  opaqueRegisterFinish,
  opaqueLoginStart,
  opaqueLoginFinish,
  publishEndpoint,
  resolveEndpoint,
  peek,
  ack,
  fetchHybridKeys,
  batchEnqueue,
  createChannel,
  resolveUser,
  resolveIdentity,
  uploadBlob,
  downloadBlob,
  deleteAccount,
  registerDevice,
  listDevices,
  revokeDevice,
  openSession,
  submitCommit,
  publishDeliveryToken,
  setBlocked,
  renewToken,
  revokeTokens,
} as const;
