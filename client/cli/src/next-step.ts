/** What to do about an error of an account: each names the next command. */
import { type ErrorCode, QpqError, type Username } from "quicproquo-proto";

const steps: Partial<Record<ErrorCode, (name: string) => string>> = {
  E003_UNAUTHENTICATED: (name) => `next: qpq login ${name}, or set QPQ_AUTH_TOKEN_FILE`,
  E004_BAD_TOKEN: (name) => `next: set QPQ_AUTH_TOKEN_FILE to the server's auth-token, or qpq login ${name}`,
  E005_SESSION_EXPIRED: (name) => `next: qpq login ${name}`,
  E064_LOGIN_REFUSED: () => "next: qpq login NAME once more, or qpq register-user NAME for a new account",
  E066_USERNAME_TAKEN: () => "next: qpq register-user with another name",
  E067_IDENTITY_TAKEN: () => "next: qpq login with the name that this key has",
  E070_LOGIN_SERVER: () => "next: ask the server's operator; if it is meant: the same with --accept-new-key",
  E071_CONTACT_KEY: () => "next: compare qpq check-key with them; if it is meant: qpq resolve NAME --accept-new-key",
};

/** The same error with its next step. `username`: as this client was registered or logged in last. */
export function withNextStep(error: unknown, username: Username | undefined): unknown {
  if (!(error instanceof QpqError)) return error;
  const step = steps[error.code]?.(username ?? "NAME");
  if (step === undefined) return error;
  return new QpqError(error.code, { text: `${error.text}; ${step}`, fields: error.fields, cause: error });
}
