/**
 * The working group's passive client: a member that joins by a Welcome and follows what others commit, in 22 histories
 * for suite 0x0001 (one of them over 50 epochs), on both of our crypto providers.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CiphersuiteImpl, ClientState, PskIndex } from "ts-mls";
import { joinGroup, makePskIndex } from "ts-mls/clientState.js";
import { decodeMlsMessage } from "ts-mls/message.js";
import { processPrivateMessage, processPublicMessage } from "ts-mls/processMessages.js";
import { decodeRatchetTree } from "ts-mls/ratchetTree.js";
import { bytesOf, hexOf } from "../vectors.ts";
import { eachSuite, type Hex, read, whole } from "./rfc9420.ts";

type Vector = {
  readonly external_psks: readonly { readonly psk_id: Hex; readonly psk: Hex }[];
  readonly key_package: Hex;
  readonly signature_priv: Hex;
  readonly encryption_priv: Hex;
  readonly init_priv: Hex;
  readonly welcome: Hex;
  readonly ratchet_tree: Hex | null;
  readonly initial_epoch_authenticator: Hex;
  readonly epochs: readonly {
    readonly proposals: readonly Hex[];
    readonly commit: Hex;
    readonly epoch_authenticator: Hex;
  }[];
};

async function follow(vector: Vector, suite: CiphersuiteImpl): Promise<number> {
  const keyPackage = whole(decodeMlsMessage, vector.key_package);
  const welcome = whole(decodeMlsMessage, vector.welcome);
  assert.ok(keyPackage.wireformat === "mls_key_package" && welcome.wireformat === "mls_welcome");
  const privateKeys = {
    initPrivateKey: bytesOf(vector.init_priv),
    hpkePrivateKey: bytesOf(vector.encryption_priv),
    signaturePrivateKey: bytesOf(vector.signature_priv),
  };
  const psks = Object.fromEntries(
    vector.external_psks.map(({ psk_id, psk }) => [bytesOf(psk_id).toBase64(), bytesOf(psk)]),
  );
  const tree = vector.ratchet_tree === null ? undefined : whole(decodeRatchetTree, vector.ratchet_tree);
  const noState = makePskIndex(undefined, psks);
  let state = await joinGroup(welcome.welcome, keyPackage.keyPackage, privateKeys, noState, suite, tree);
  assert.equal(hexOf(state.keySchedule.epochAuthenticator), vector.initial_epoch_authenticator);
  for (const epoch of vector.epochs) {
    for (const message of [...epoch.proposals, epoch.commit]) {
      state = await process(state, message, makePskIndex(state, psks), suite);
    }
    assert.equal(hexOf(state.keySchedule.epochAuthenticator), epoch.epoch_authenticator);
  }
  return vector.epochs.length;
}

async function process(state: ClientState, hex: Hex, psks: PskIndex, suite: CiphersuiteImpl): Promise<ClientState> {
  const message = whole(decodeMlsMessage, hex);
  if (message.wireformat === "mls_public_message") {
    return (await processPublicMessage(state, message.publicMessage, psks, suite)).newState;
  }
  assert.ok(message.wireformat === "mls_private_message");
  return (await processPrivateMessage(state, message.privateMessage, psks, suite)).newState;
}

for (const [name, cases, epochs] of [
  ["passive-client-welcome", 8, 0],
  ["passive-client-handling-commit", 13, 26],
  ["passive-client-random", 1, 50],
] as const) {
  test(`${name}: ${cases} histories end at the right epoch authenticators, after ${epochs} commits`, async () => {
    const vectors = read<Vector>(name, cases);
    await eachSuite(async (suite) => {
      let followed = 0;
      for (const vector of vectors) followed += await follow(vector, suite);
      assert.equal(followed, epochs);
    });
  });
}
