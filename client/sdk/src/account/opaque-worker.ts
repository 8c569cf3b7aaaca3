/**
 * The client's side of OPAQUE (RFC 9807; ristretto255, SHA-512), by the one library that this file alone knows, in a thread
 * of its own: stretching the password takes 0.2 s and 64 MiB, which go with the thread. One thread is one registration or
 * one login; the password and OPAQUE's state stay in it.
 */
import { parentPort } from "node:worker_threads";
import { client, ready } from "@serenity-kit/opaque";
import type { StretchingProfile } from "quicproquo-proto";

export type OpaqueKind = "registration" | "login";

/** What the thread is asked, in this order. `response`: the server's, from the first half. */
export type OpaqueQuestion =
  | { readonly kind: OpaqueKind; readonly password: string }
  | { readonly response: Uint8Array; readonly stretching: StretchingProfile };

/** `message`: the upload, or the finalization. `serverPublicKey`: 32 bytes, which OPAQUE has proved at a login. */
export type OpaqueFinished = { readonly message: Uint8Array; readonly serverPublicKey: Uint8Array };

/** `refused`: the password is not the account's, or there is none. `malformed`: the response is no message of OPAQUE. */
export type OpaqueAnswer =
  | { readonly request: Uint8Array }
  | { readonly finished: OpaqueFinished }
  | { readonly refused: "refused" | "malformed" };

type KeyStretching = {
  "argon2id-custom": { readonly memory: number; readonly iterations: number; readonly parallelism: number };
};

type Begun = {
  readonly request: string;
  /** undefined: refused. Throws for a malformed response. */
  readonly finish: (
    response: string,
    keyStretching: KeyStretching,
  ) => { message: string; serverPublicKey: string } | undefined;
};

function beginRegistration(password: string): Begun {
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password });
  return {
    request: registrationRequest,
    finish(registrationResponse, keyStretching) {
      const started = { password, clientRegistrationState, registrationResponse, keyStretching };
      const { registrationRecord, serverStaticPublicKey } = client.finishRegistration(started);
      return { message: registrationRecord, serverPublicKey: serverStaticPublicKey };
    },
  };
}

function beginLogin(password: string): Begun {
  const { clientLoginState, startLoginRequest } = client.startLogin({ password });
  return {
    request: startLoginRequest,
    finish(loginResponse, keyStretching) {
      const finished = client.finishLogin({ password, clientLoginState, loginResponse, keyStretching });
      if (finished === undefined) return undefined;
      return { message: finished.finishLoginRequest, serverPublicKey: finished.serverStaticPublicKey };
    },
  };
}

function finish(begun: Begun, response: Uint8Array, profile: StretchingProfile): OpaqueAnswer {
  const { memoryKiB: memory, iterations, parallelism } = profile;
  try {
    const finished = begun.finish(textOf(response), { "argon2id-custom": { memory, iterations, parallelism } });
    if (finished === undefined) return { refused: "refused" };
    return { finished: { message: bytesOf(finished.message), serverPublicKey: bytesOf(finished.serverPublicKey) } };
  } catch {
    // the library throws for what the peer has sent; its text may quote what it was given
    return { refused: "malformed" };
  }
}

const base64url = { alphabet: "base64url", omitPadding: true } as const;

function textOf(bytes: Uint8Array): string {
  return bytes.toBase64(base64url);
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.fromBase64(text, base64url);
}

await ready;
let begun: Begun | undefined;
parentPort?.on("message", (question: OpaqueQuestion) => {
  let answer: OpaqueAnswer;
  if ("kind" in question) {
    begun = question.kind === "login" ? beginLogin(question.password) : beginRegistration(question.password);
    answer = { request: bytesOf(begun.request) };
  } else {
    answer = finish(begun as Begun, question.response, question.stretching);
  }
  parentPort?.postMessage(answer);
});
