/** One good call of each method: what is wrong with it is only who makes it, and whom it names. */
import { hash, randomBytes } from "node:crypto";
import { labels } from "quicproquo-proto";
import { signAs, type TestIdentity, TestLogin, TestRegistration } from "../../../testing/opaque-client.ts";
import { newPerson } from "../people.ts";
import type { MethodName, RawClient } from "../raw-client.ts";
import { RawSession, TestSink, told } from "../raw-session.ts";
import type { Account } from "./people.ts";

export type Call = {
  readonly client: RawClient;
  /** For what has to be done before; default: client. */
  readonly ahead?: RawClient;
  readonly token: string | Uint8Array;
  /** Whose key the parameters name, where they name one. */
  readonly named: TestIdentity;
  readonly account: Account;
  /** Beside the parameters. */
  readonly also: object;
  /** A Session is open; what comes now is called on it. */
  readonly onOpened?: (() => Promise<void>) | undefined;
};

const payload = randomBytes(32);
let names = 0;

/** Parameters by method; of the Session's methods below. */
const paramsOf: Readonly<Record<string, (call: Call) => object | Promise<object>>> = {
  uploadKeyPackage: ({ named }) => ({ identityKey: named.identityKey, package: payload }),
  fetchKeyPackage: identityKey,
  enqueue: ({ named }) => ({ recipientKey: named.identityKey, payload, idempotencyKey: randomBytes(16) }),
  fetch: recipientKey,
  fetchWait: recipientKey,
  health: () => ({}),
  uploadHybridKey({ named }) {
    const hybridPublicKey = randomBytes(1216);
    const signature = signAs(named, labels.hybridKey, [named.identityKey, hybridPublicKey]);
    return { identityKey: named.identityKey, hybridPublicKey, signature };
  },
  fetchHybridKey: identityKey,
  opaqueRegisterStart: () => ({ username: `new${++names}`, request: new TestRegistration("pw").request }),
  async opaqueRegisterFinish({ client, ahead = client }) {
    const { username, identity } = newPerson(`new${++names}`);
    const registration = new TestRegistration("pw");
    const { response } = await ahead.call("opaqueRegisterStart", { username, request: registration.request });
    return { username, ...registration.finish(username, response, identity) };
  },
  opaqueLoginStart: () => ({ username: `new${++names}`, request: new TestLogin("pw").request }),
  opaqueLoginFinish: ({ named }) => ({
    username: `new${++names}`,
    finalization: randomBytes(64),
    identityKey: named.identityKey,
    loginId: randomBytes(600),
    identityProof: randomBytes(64),
  }),
  publishEndpoint: ({ named }) => ({ identityKey: named.identityKey, endpoint: payload }),
  resolveEndpoint: identityKey,
  peek: recipientKey,
  ack: ({ named }) => ({ recipientKey: named.identityKey, seqUpTo: 0n }),
  fetchHybridKeys: ({ named }) => ({ identityKeys: [named.identityKey] }),
  batchEnqueue: ({ named }) => ({ recipientKeys: [named.identityKey], payload }),
  createChannel: () => ({ peerKey: newPerson("").identity.identityKey }),
  resolveUser: ({ account }) => ({ username: account.username }),
  resolveIdentity: identityKey,
  uploadBlob() {
    const chunk = randomBytes(100);
    const blobHash = hash("sha256", chunk, "buffer");
    return { blobHash, chunk, offset: 0n, totalSize: 100n, mimeType: "application/octet-stream" };
  },
  downloadBlob: () => ({ blobId: randomBytes(32), offset: 0n, length: 100 }),
  deleteAccount: () => ({}),
  registerDevice({ account: { identity } }) {
    const { identityKey: deviceKey } = newPerson("").identity;
    return {
      deviceKey,
      deviceName: "tablet",
      signature: signAs(identity, labels.device, [identity.identityKey, deviceKey]),
    };
  },
  listDevices: identityKey,
  revokeDevice: ({ account }) => ({ deviceId: account.deviceId }),
  openSession: () => ({}),
  submitCommit: ({ named }) => ({
    groupId: randomBytes(16),
    epoch: 0n,
    entries: [outgoingTo(named)],
    payload: new Uint8Array(),
    idempotencyKey: randomBytes(16),
    epochProof: randomBytes(32),
    nextProofHash: randomBytes(32),
  }),
  publishDeliveryToken: ({ named, account }) => ({
    identityKey: named.identityKey,
    tokenHash: hash("sha256", account.deliveryToken, "buffer"),
  }),
  setBlocked: () => ({ senderKey: newPerson("").identity.identityKey, blocked: true }),
  renewToken: () => ({}),
  revokeTokens: () => ({ all: false }),
};

const onSession: Readonly<Record<string, (session: RawSession, named: TestIdentity) => PromiseLike<unknown>>> = {
  "Session.inbox": (session, { identityKey }) => session.inbox(identityKey).answer,
  "Session.send": (session, named) => session.send([outgoingTo(named)]),
  "Inbox.subscribe": (session, { identityKey }) => session.inbox(identityKey).subscribe(new TestSink()),
  "Inbox.ack": (session, { identityKey }) => session.inbox(identityKey).ack(0n),
};

export const callable: readonly string[] = [...Object.keys(paramsOf), ...Object.keys(onSession)];

/** Rejects with what the server says. `onSent`: it is on its way. */
export async function makeCall(method: string, call: Call, onSent: () => void = () => {}): Promise<void> {
  const params = paramsOf[method];
  if (params === undefined) return await callOnSession(method, call, onSent);
  const whole = { ...(await params(call)), ...call.also };
  const answer = call.client.call(method as MethodName, whole as never);
  onSent();
  await answer;
}

async function callOnSession(
  method: string,
  { client, token, named, onOpened }: Call,
  onSent: () => void,
): Promise<void> {
  using session = new RawSession(client.service, token);
  if (onOpened !== undefined) {
    await session.opened;
    await onOpened();
  }
  const answer = told(async () => await onSession[method]?.(session, named));
  onSent();
  await answer;
}

function identityKey({ named }: Call): object {
  return { identityKey: named.identityKey };
}

function recipientKey({ named }: Call): object {
  return { recipientKey: named.identityKey };
}

function outgoingTo({ identityKey }: TestIdentity) {
  const empty = new Uint8Array();
  return { recipientKey: identityKey, channelId: empty, payload, idempotencyKey: empty, ttlSecs: 0 };
}
