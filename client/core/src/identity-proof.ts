/**
 * What an identity signs to bind a user name to itself, and at each login (docs/wire.md, Login). Each proof is good for
 * one name, one server and one run of OPAQUE: shown anywhere else, or once more, it proves nothing.
 */
import { primitives } from "#primitives";
import { identityProofParts, labels, type Username } from "quicproquo-proto";
import type { Identity } from "./identity.ts";

type ProofFor = {
  readonly username: Username;
  /** Of the server's OPAQUE key pair, 32 bytes, as OPAQUE gave it. */
  readonly serverPublicKey: Uint8Array;
};

/** identityProof of opaqueRegisterFinish, 64 bytes: over SHA-256(upload). */
export function signRegistration(
  identity: Identity,
  { username, serverPublicKey, upload }: ProofFor & { readonly upload: Uint8Array },
): Uint8Array {
  const transcriptHash = primitives.sha256(upload);
  const { identityKey } = identity;
  return identity.sign(
    labels.register,
    ...identityProofParts({ username, identityKey, serverPublicKey, transcriptHash }),
  );
}

/** The three messages of one login. */
export type LoginTranscript = {
  readonly request: Uint8Array;
  readonly response: Uint8Array;
  readonly finalization: Uint8Array;
};

/** identityProof of opaqueLoginFinish, 64 bytes: over SHA-256(request || response || finalization). */
export function signLogin(
  identity: Identity,
  { username, serverPublicKey, request, response, finalization }: ProofFor & LoginTranscript,
): Uint8Array {
  const transcriptHash = primitives.sha256(request, response, finalization);
  const { identityKey } = identity;
  return identity.sign(labels.login, ...identityProofParts({ username, identityKey, serverPublicKey, transcriptHash }));
}
