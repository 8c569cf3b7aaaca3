/** Codecs of the methods about further devices of an account. */
import { decodeList, methodCodec } from "./codec.ts";
import { type DeviceBuilder, type DeviceReader, NodeService } from "./gen/node.ts";
import type { SuccessResults } from "./messages-accounts.ts";
import { type AuthFields, decodeAuth, encodeAuth } from "./messages-common.ts";

const { methods } = NodeService;

export type DeviceFields = {
  readonly deviceId: Uint8Array;
  readonly deviceName: string;
  readonly registeredAtMs: bigint;
  readonly deviceKey: Uint8Array;
  /** By the identity key. */
  readonly signature: Uint8Array;
};

function encodeDevice(device: DeviceFields, builder: DeviceBuilder): void {
  builder.deviceId = device.deviceId;
  builder.deviceName = device.deviceName;
  builder.registeredAtMs = device.registeredAtMs;
  builder.deviceKey = device.deviceKey;
  builder.signature = device.signature;
}

function decodeDevice(reader: DeviceReader): DeviceFields {
  return {
    deviceId: reader.deviceId,
    deviceName: reader.deviceName,
    registeredAtMs: reader.registeredAtMs,
    deviceKey: reader.deviceKey,
    signature: reader.signature,
  };
}

export type RegisterDeviceParams = {
  readonly auth: AuthFields;
  readonly deviceKey: Uint8Array;
  readonly deviceName: string;
  readonly signature: Uint8Array;
};
export type RegisterDeviceResults = { readonly deviceId: Uint8Array };

export const registerDevice = methodCodec({
  method: methods.registerDevice,
  encodeParams(params: RegisterDeviceParams, builder) {
    encodeAuth(params.auth, builder.initAuth());
    builder.deviceKey = params.deviceKey;
    builder.deviceName = params.deviceName;
    builder.signature = params.signature;
  },
  decodeParams: (reader) => ({
    auth: decodeAuth(reader.auth),
    deviceKey: reader.deviceKey,
    deviceName: reader.deviceName,
    signature: reader.signature,
  }),
  encodeResults(results: RegisterDeviceResults, builder) {
    builder.deviceId = results.deviceId;
  },
  decodeResults: (reader) => ({ deviceId: reader.deviceId }),
});

export type ListDevicesParams = { readonly auth: AuthFields; readonly identityKey: Uint8Array };
export type ListDevicesResults = { readonly devices: readonly DeviceFields[] };

// An account has at most 5 today (wire.md); a reader takes more, so that a later server may allow them.
const devicesLimit = { max: 100 } as const;

export const listDevices = methodCodec({
  method: methods.listDevices,
  encodeParams(params: ListDevicesParams, builder) {
    encodeAuth(params.auth, builder.initAuth());
    builder.identityKey = params.identityKey;
  },
  decodeParams: (reader) => ({ auth: decodeAuth(reader.auth), identityKey: reader.identityKey }),
  encodeResults(results: ListDevicesResults, builder) {
    const list = builder.initDevices(results.devices.length);
    results.devices.forEach((device, index) => encodeDevice(device, list.get(index)));
  },
  decodeResults: (reader) => ({ devices: decodeList(reader.devices, devicesLimit, decodeDevice) }),
});

export type RevokeDeviceParams = { readonly auth: AuthFields; readonly deviceId: Uint8Array };

export const revokeDevice = methodCodec({
  method: methods.revokeDevice,
  encodeParams(params: RevokeDeviceParams, builder) {
    encodeAuth(params.auth, builder.initAuth());
    builder.deviceId = params.deviceId;
  },
  decodeParams: (reader) => ({ auth: decodeAuth(reader.auth), deviceId: reader.deviceId }),
  encodeResults(results: SuccessResults, builder) {
    builder.success = results.success;
  },
  decodeResults: (reader) => ({ success: reader.success }),
});
