/** Packs the calls of AccountStore and ChannelStore. */
import { type IdentityKey, sizes } from "quicproquo-proto";
import type { Account, Device, Token } from "../port.ts";
import type { AccountCalls, ChannelCalls, Codec } from "./codec.ts";
import {
  bytes,
  call,
  evenly,
  flag,
  identity,
  list,
  nothing,
  number,
  oneOf,
  optional,
  pair,
  record,
  text,
  timeMs,
} from "./shapes.ts";

const named = { username: text, identity, record: bytes, stretching: number, createdAtMs: timeMs };
const account = record<Account>({ ...named, disabled: flag });
const accountOfNobody: Account = {
  username: "nobody",
  identity: new Uint8Array(sizes.identityKey) as IdentityKey,
  record: new Uint8Array(sizes.opaqueUpload),
  stretching: 1,
  createdAtMs: 0,
  disabled: false,
};
const token = record<Token>({ hash: bytes, identity, actsFor: identity, createdAtMs: timeMs, expiresAtMs: timeMs });
const device = record<Device>({
  identity,
  deviceId: bytes,
  deviceKey: identity,
  name: text,
  signature: bytes,
  registeredAtMs: timeMs,
});

export const accountCodecs: { readonly [N in keyof AccountCalls]: Codec<N> } = {
  putAccount: call(record(named), oneOf("created", "replaced", "usernameTaken", "identityTaken")),
  accountOf: call(text, evenly(account, accountOfNobody)),
  accountOfIdentity: call(identity, optional(account)),
  setDisabled: call(record({ username: text, disabled: flag }), flag),
  listAccounts: call(record({ afterUsername: text, limit: number }), list(account)),
  putToken: call(record({ token, tokensMax: number }), oneOf("stored", "refused")),
  findTokens: call(list(bytes), list(optional(token))),
  revokeToken: call(bytes, flag),
  revokeTokens: call(record({ identity, actsFor: optional(identity) }), number),
  putDevice: call(
    record({ device, devicesMax: number }),
    oneOf("registered", "known", "full", "keyTaken", "noAccount"),
  ),
  listDevices: call(identity, list(device)),
  removeDevice: call(record({ identity, deviceId: bytes }), optional(device)),
  ownerOfDevice: call(identity, optional(identity)),
  putEndpoint: call(record({ identity, endpoint: bytes, expiresAtMs: timeMs }), nothing),
  endpointOf: call(identity, optional(bytes)),
  putDeliveryToken: call(record({ identity, tokenHash: optional(bytes) }), nothing),
  deliveryTokenOf: call(identity, optional(bytes)),
  setBlocked: call(record({ owner: identity, sender: identity, blocked: flag, blocksMax: number }), flag),
  areBlocked: call(list(record({ owner: identity, sender: identity })), list(flag)),
  deleteAccountStep: call(identity, flag),
};

export const channelCodecs: { readonly [N in keyof ChannelCalls]: Codec<N> } = {
  createChannel: call(record({ a: identity, b: identity, newId: bytes }), record({ channelId: bytes, wasNew: flag })),
  membersOf: call(bytes, optional(pair(identity))),
};
