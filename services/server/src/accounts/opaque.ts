/**
 * The server's side of OPAQUE (RFC 9807; ristretto255, SHA-512), by the one library that this file alone knows. The server
 * never sees a password, nor anything that a password could be tried on without asking it each time.
 *
 * 1 to 3 ms of CPU for the first half of a login, in the caller's thread; the second half is a third of it.
 */
import { randomBytes } from "node:crypto";
import { client, ready, server } from "@serenity-kit/opaque";
import { QpqError, sizes, type Username } from "quicproquo-proto";

await ready;

/** 171 characters of base64url; a secret: who has it and the store's records can try passwords. */
export function createOpaqueSetup(): string {
  return server.createSetup();
}

export type LoginAnswer = {
  /** 128 bytes that finishLogin needs; a secret. */
  readonly state: Uint8Array;
  readonly response: Uint8Array;
};

export class OpaqueServer {
  readonly #setup: string;
  /** 32 bytes, by which clients know the server again. */
  readonly publicKey: Uint8Array;

  /** E046_CONFIG when it is no setup. */
  constructor(setup: string) {
    this.#setup = setup;
    try {
      this.publicKey = bytesOf(server.getPublicKey(setup));
    } catch {
      // its text may quote what it was given
      throw new QpqError("E046_CONFIG", {
        text: "the OPAQUE setup is damaged; qpq-server secrets opaque-setup makes one",
      });
    }
  }

  /** For secrets that are derived from the setup. */
  get setupBytes(): Uint8Array {
    return bytesOf(this.#setup);
  }

  /** E001_BAD_REQUEST. */
  registerResponse(userIdentifier: Username, request: Uint8Array): Uint8Array {
    requireSize(request, sizes.opaqueRegisterRequest);
    return wellFormed(() => {
      const registrationRequest = textOf(request);
      const made = server.createRegistrationResponse({ serverSetup: this.#setup, userIdentifier, registrationRequest });
      return bytesOf(made.registrationResponse);
    });
  }

  /** Whether it is a registration record, made for this server's answer or not. */
  isRecord(upload: Uint8Array): boolean {
    try {
      this.#startLogin("" as Username, { record: upload, request: anyRequest });
      return true;
    } catch {
      return false;
    }
  }

  /** E001_BAD_REQUEST. */
  startLogin(username: Username, record: Uint8Array, request: Uint8Array): LoginAnswer {
    requireSize(request, sizes.opaqueLoginRequest);
    return wellFormed(() => this.#startLogin(username, { record, request: textOf(request) }));
  }

  /** Whether who began the login knows the password. */
  finishLogin(state: Uint8Array, finalization: Uint8Array): boolean {
    try {
      server.finishLogin({ serverLoginState: textOf(state), finishLoginRequest: textOf(finalization) });
      return true;
    } catch {
      return false;
    }
  }

  #startLogin(
    userIdentifier: Username,
    { record, request }: { readonly record: Uint8Array; readonly request: string },
  ): LoginAnswer {
    const { serverLoginState, loginResponse } = server.startLogin({
      serverSetup: this.#setup,
      userIdentifier,
      registrationRecord: textOf(record),
      startLoginRequest: request,
    });
    return { state: bytesOf(serverLoginState), response: bytesOf(loginResponse) };
  }
}

/** Of a client that there is none of. */
const anyRequest = client.startLogin({ password: "" }).startLoginRequest;

/**
 * What stands in for the record of a name that nobody has (RFC 9807 section 10.9): a public key of the group, then masking
 * key and envelope that nobody knows, so that an answer made of it looks like any other. The library could make one up by
 * itself, and was 8 us faster for it than for a record that it has to read: enough to tell which names exist.
 */
export const recordOfNobody: Uint8Array = Buffer.concat([
  bytesOf(client.startRegistration({ password: "" }).registrationRequest),
  randomBytes(sizes.opaqueUpload - sizes.opaqueRegisterRequest),
]);

function requireSize(message: Uint8Array, bytes: number): void {
  if (message.length !== bytes) throw malformed();
}

/** The library throws for what a peer has sent; there is nothing else that it could throw for here. */
function wellFormed<T>(work: () => T): T {
  try {
    return work();
  } catch {
    throw malformed();
  }
}

function malformed(): QpqError {
  return new QpqError("E001_BAD_REQUEST", { text: "this is no message of OPAQUE with ristretto255" });
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64url");
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "base64url");
}
