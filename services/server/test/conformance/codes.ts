/** For assert.rejects: an error of the table, by its code. */
import { type ErrorCode, QpqError } from "quicproquo-proto";

export function hasCode(code: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof QpqError && error.code === code;
}
