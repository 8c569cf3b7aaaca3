/** What a client takes from a server's directory: keys of names that stay, devices that are signed, and who blocks whom. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { signDevice } from "quicproquo-core";
import { type ErrorCode, QpqError } from "quicproquo-proto";
import { type ChatClient, type ChatEvent, Contacts, Directory, type ReconnectingClient } from "quicproquo-sdk";
import { startServerProcess } from "quicproquo-server/testing";
import { addressOf } from "./person.ts";
import { bodiesOf, chat, kindsOf } from "./rig.ts";
import { User } from "./user.ts";

const server = await startServerProcess({ settings: { "login-attempts-per-minute": 1_000, "log-level": "warn" } });
after(() => server[Symbol.asyncDispose]());

function fails(work: () => Promise<unknown>, code: ErrorCode): Promise<void> {
  return assert.rejects(work, (error: unknown) => error instanceof QpqError && error.code === code);
}

async function events(client: ChatClient): Promise<ChatEvent[]> {
  const all: ChatEvent[] = [];
  for await (const event of client.sync()) all.push(event);
  return all;
}

type Answers = Readonly<Record<string, unknown>>;

/** `lies`: what the server says in place of its answer, by the call. */
function directoryOf({ client: honest, account, state: { identity } }: User, lies: Answers = {}): Directory {
  const call = async (name: "resolveUser", params: never): Promise<unknown> =>
    Object.hasOwn(lies, name) ? lies[name] : await honest.call(name, params);
  const client = { call } as unknown as ReconnectingClient;
  return new Directory({ client, accessToken: account.accessToken, identity });
}

function contactsOf(user: User, lies?: Answers, port = server.port): Contacts {
  const directory = directoryOf(user, lies);
  return new Contacts({ server: { ...addressOf(server), port }, records: user.records, directory });
}

test("the key of a name is asked for once, and another one later is refused unless it is meant", async () => {
  await using alice = await User.arrive(server, "alice");
  await using bob = await User.arrive(server, "bob");
  const { identityKey } = bob.state.identity;
  assert.deepEqual(await contactsOf(alice).find("Bob"), { username: "bob", identityKey, isNew: true });
  alice.calls.length = 0;
  assert.deepEqual(await contactsOf(alice).find("bob"), { username: "bob", identityKey, isNew: false });
  assert.deepEqual(alice.calls, []);
  const other = alice.state.identity.identityKey;
  const lying = contactsOf(alice, { resolveUser: { identityKey: other } });
  await fails(() => lying.ask("bob"), "E071_CONTACT_KEY");
  assert.deepEqual((await lying.find("bob")).identityKey, identityKey);
  assert.deepEqual(await contactsOf(alice).ask("bob"), { username: "bob", identityKey, isNew: false });
  assert.deepEqual((await lying.ask("bob", { acceptNewKey: true })).isNew, true);
  assert.deepEqual((await contactsOf(alice).find("bob")).identityKey, other);
});

test("a name at another server is somebody else's, and one that nobody has is told", async () => {
  await using carol = await User.arrive(server, "carol");
  await contactsOf(carol).find("carol");
  assert.equal(await contactsOf(carol, {}, 1).known("carol"), undefined);
  await fails(() => contactsOf(carol).find("absent"), "E075_ACCOUNT_NOT_FOUND");
  await fails(() => contactsOf(carol).find("two words"), "E065_USERNAME");
});

test("a device counts with its identity's signature alone", async () => {
  await using dave = await User.arrive(server, "dave");
  await using phone = await User.open(server);
  await using mallory = await User.open(server);
  const deviceKey = phone.state.identity.identityKey;
  const deviceId = await directoryOf(dave).addDevice(deviceKey, "phone");
  const { identityKey } = dave.state.identity;
  const { devices, refused } = await directoryOf(dave).devicesOf(identityKey);
  assert.deepEqual([devices.length, refused], [1, 0]);
  assert.deepEqual([devices[0]?.deviceKey, devices[0]?.deviceId], [deviceKey, deviceId]);
  const theirs = mallory.state.identity.identityKey;
  const listed = { deviceId, deviceName: "mine", registeredAtMs: 0n, deviceKey: theirs };
  for (const signer of [mallory, phone]) {
    const slipped = { ...listed, signature: signDevice(signer.state.identity, theirs) };
    const lying = directoryOf(dave, { listDevices: { devices: [slipped] } });
    assert.deepEqual(await lying.devicesOf(identityKey), { devices: [], refused: 1 });
  }
});

test("a message to who blocks its sender fails with the reason; in a group it goes to the others", async () => {
  await using erin = await User.arrive(server, "erin");
  await using frank = await User.arrive(server, "frank");
  await using grace = await User.arrive(server, "grace");
  const [atErin, atFrank, atGrace] = [await erin.chat(), await frank.chat(), await grace.chat()];
  const keys = [frank, grace].map(({ state }) => state.identity.identityKey);
  for (const reader of [atFrank, atGrace]) await reader.publishKeys();
  const two = await atErin.createGroup();
  await atErin.invite(two, keys[0]!);
  const three = await atErin.createGroup();
  for (const key of keys) await atErin.invite(three, key);
  await directoryOf(frank).setBlocked(erin.state.identity.identityKey, true);
  const refused = await atErin.send(two, chat("to him alone"));
  assert.deepEqual([refused.status, refused.error?.code], ["failed", "E069_BLOCKED"]);
  assert.deepEqual((await atErin.send(three, chat("to both"))).status, "sent");

  const [told, atTwo, atOne] = [await events(atErin), await events(atGrace), await events(atFrank)];
  assert.deepEqual(kindsOf(told), ["failed", "blocked"]);
  assert.deepEqual([bodiesOf(atTwo), bodiesOf(atOne)], [["to both"], []]);
  await directoryOf(frank).setBlocked(erin.state.identity.identityKey, false);
  assert.equal((await atErin.send(two, chat("again"))).status, "sent");
});
