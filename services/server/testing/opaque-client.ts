/** The client's side of registration and login, for tests of a server: stretching is cheap here, and not as clients do it. */
import { generateKeyPairSync, hash, type KeyObject, sign } from "node:crypto";
import { client, ready } from "@serenity-kit/opaque";
import { type IdentityKey, identityProofParts, labels, parseIdentityKey, parseUsername } from "quicproquo-proto";

await ready;

const keyStretching = { "argon2id-custom": { memory: 8, iterations: 1, parallelism: 1 } };

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64url"));
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

export type TestIdentity = { readonly identityKey: IdentityKey; readonly privateKey: KeyObject };

export function newIdentity(): TestIdentity {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return {
    identityKey: parseIdentityKey(new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(-32))),
    privateKey,
  };
}

export function signAs({ privateKey }: TestIdentity, label: string, parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(sign(null, Buffer.concat([Buffer.from(`${label}\0`), ...parts]), privateKey));
}

type Proof = {
  readonly username: string;
  readonly serverPublicKey: string;
  readonly transcript: readonly Uint8Array[];
};

function proofOf(identity: TestIdentity, label: string, { username, serverPublicKey, transcript }: Proof): Uint8Array {
  const fields = {
    username: parseUsername(username),
    identityKey: identity.identityKey,
    serverPublicKey: bytesOf(serverPublicKey),
    transcriptHash: hash("sha256", Buffer.concat(transcript), "buffer"),
  };
  return signAs(identity, label, identityProofParts(fields));
}

export type RegisterFinish = {
  readonly upload: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly identityProof: Uint8Array;
};

/** One registration, of which the test carries the messages. */
export class TestRegistration {
  readonly request: Uint8Array;
  readonly #state: string;
  readonly #password: string;

  constructor(password: string) {
    const { clientRegistrationState, registrationRequest } = client.startRegistration({ password });
    this.#state = clientRegistrationState;
    this.#password = password;
    this.request = bytesOf(registrationRequest);
  }

  finish(username: string, response: Uint8Array, identity: TestIdentity): RegisterFinish {
    const { registrationRecord, serverStaticPublicKey } = client.finishRegistration({
      password: this.#password,
      clientRegistrationState: this.#state,
      registrationResponse: textOf(response),
      keyStretching,
    });
    const upload = bytesOf(registrationRecord);
    const proof = { username, serverPublicKey: serverStaticPublicKey, transcript: [upload] };
    return { upload, identityKey: identity.identityKey, identityProof: proofOf(identity, labels.register, proof) };
  }
}

export type LoginFinish = {
  readonly finalization: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly identityProof: Uint8Array;
};

/** One login, of which the test carries the messages. */
export class TestLogin {
  readonly request: Uint8Array;
  readonly #state: string;
  readonly #password: string;

  constructor(password: string) {
    const { clientLoginState, startLoginRequest } = client.startLogin({ password });
    this.#state = clientLoginState;
    this.#password = password;
    this.request = bytesOf(startLoginRequest);
  }

  /** undefined: this is not the password, or there is no such account. */
  finish(username: string, response: Uint8Array, identity: TestIdentity): LoginFinish | undefined {
    const finished = client.finishLogin({
      password: this.#password,
      clientLoginState: this.#state,
      loginResponse: textOf(response),
      keyStretching,
    });
    if (finished === undefined) return undefined;
    const finalization = bytesOf(finished.finishLoginRequest);
    const transcript = [this.request, response, finalization];
    const proof = { username, serverPublicKey: finished.serverStaticPublicKey, transcript };
    return {
      finalization,
      identityKey: identity.identityKey,
      identityProof: proofOf(identity, labels.login, proof),
    };
  }
}
