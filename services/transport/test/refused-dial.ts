/** A dial that must fail at once and say why. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { type ErrorCode, QpqError } from "quicproquo-proto";
import type { DialOptions } from "../src/quic/index.ts";
import { dial } from "./quic-pair.ts";

const promptMs = 1_000;

/** Dials with limits under which only a told failure is prompt. */
export async function refused(
  test: TestContext,
  to: { port: number },
  options: Partial<DialOptions> = {},
): Promise<QpqError> {
  const begun = performance.now();
  try {
    await dial(test, to, { limits: { handshakeMsMax: 30_000, idleMs: 30_000 }, ...options });
  } catch (error) {
    assert.ok(error instanceof QpqError, String(error));
    assert.ok(performance.now() - begun < promptMs, "the error came late");
    assert.doesNotMatch(error.message, /127\.0\.0\.1|localhost/);
    return error;
  }
  return assert.fail("the dial succeeded");
}

export function assertError(error: QpqError, code: ErrorCode, text: RegExp): void {
  assert.equal(error.code, code, error.message);
  assert.match(error.text, text);
}
