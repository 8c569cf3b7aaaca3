/**
 * qpq devices list, add, revoke: further keys of your account. Each device is a qpq with a state of its own: its key is
 * added here, where the account's identity key is, and then `qpq login NAME` works there.
 */
import { type IdentityKey, QpqError } from "quicproquo-proto";
import type { Device } from "quicproquo-sdk";
import { personOf } from "../addresses.ts";
import { personal } from "../command.ts";
import { parseKey } from "../keys.ts";
import { hex, type Output } from "../output.ts";
import type { Person } from "../person.ts";

type Verb = (person: Person, output: Output, words: readonly string[]) => Promise<void>;

const verbs: Readonly<Record<string, Verb>> = { list, add, revoke };

export const devices = personal(
  {
    words: "list|add|revoke ...",
    doc: "further keys of your account",
    wordsMin: 1,
    wordsMax: 3,
  },
  async (person, { output, words: [verb = "", ...words] }) => {
    const work = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    const text = "usage: qpq devices list [NAME], add KEY [NAME], or revoke KEY|ID|NAME";
    if (work === undefined || (verb !== "list" && words.length === 0) || (verb !== "add" && words.length > 1)) {
      throw new QpqError("E048_USAGE", { text });
    }
    await work(person, output, words);
  },
);

async function list(person: Person, output: Output, [name]: readonly string[]): Promise<void> {
  const identityKey = await accountKey(person, output, name);
  const { devices, refused } = await person.directory.devicesOf(identityKey);
  output.data(`${hex(identityKey)}  the account's own key`, { deviceKey: identityKey, isIdentity: true });
  for (const { deviceKey, deviceId, deviceName, registeredAtMs } of devices) {
    const day = new Date(registeredAtMs).toISOString().slice(0, 10);
    const fields = { deviceKey, deviceId, deviceName, registeredAtMs, isIdentity: false };
    output.data(`${hex(deviceKey)}  ${deviceName}, ${day}, id ${hex(deviceId).slice(0, 8)}`, fields);
  }
  if (refused > 0) output.words(`${refused} more that the account's key has not signed: they are not its devices`);
}

async function add({ directory }: Person, output: Output, [keyText = "", name = ""]: readonly string[]): Promise<void> {
  const deviceKey = parseKey(keyText);
  const deviceId = await directory.addDevice(deviceKey, name);
  output.data(`${hex(deviceKey).slice(0, 12)} is a device of yours; next, there: qpq login`, {
    deviceKey,
    deviceId,
    deviceName: name,
  });
}

async function revoke(person: Person, output: Output, [which = ""]: readonly string[]): Promise<void> {
  const { devices } = await person.directory.devicesOf(person.state.identity.identityKey);
  const { deviceId, deviceKey, deviceName } = deviceCalled(which, devices);
  await person.directory.revokeDevice(deviceId);
  const words = `${hex(deviceKey).slice(0, 12)} is no device of yours any more; its sessions end`;
  output.data(words, { deviceKey, deviceId, deviceName });
}

/** E030_DEVICE_NOT_FOUND, also where several match. */
function deviceCalled(which: string, devices: readonly Device[]): Device {
  const digits = which.toLowerCase();
  const tests: readonly ((device: Device) => boolean)[] = [
    ({ deviceKey, deviceId }) => hex(deviceKey) === digits || hex(deviceId) === digits,
    ({ deviceName }) => deviceName === which,
    ({ deviceKey, deviceId }) =>
      digits.length >= 8 && (hex(deviceKey).startsWith(digits) || hex(deviceId).startsWith(digits)),
  ];
  for (const isMeant of tests) {
    const [device, ...others] = devices.filter(isMeant);
    if (device !== undefined && others.length === 0) return device;
  }
  const text = "no device, or several, are called so; qpq devices list shows them";
  throw new QpqError("E030_DEVICE_NOT_FOUND", { text });
}

/** Of a user; else of the own account, whose identity key is elsewhere when this is a further device. */
async function accountKey(person: Person, output: Output, name: string | undefined): Promise<IdentityKey> {
  const { username } = person.account;
  if (name !== undefined) return await personOf(name, person, output);
  if (username === undefined) throw new QpqError("E003_UNAUTHENTICATED");
  return (await person.contacts.ask(username)).identityKey;
}
