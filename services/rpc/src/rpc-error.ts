/**
 * The error of a call or of a session, as the wire knows it (rpc.capnp, struct Exception): a type that says what the
 * caller should do, and a reason for people. It carries no stack or cause to the peer.
 */

import { MessageError } from "./message/index.ts";

/** In the order of rpc.capnp's Exception.Type: the index is the number on the wire. */
export const exceptionTypes = ["failed", "overloaded", "disconnected", "unimplemented"] as const;
export type ExceptionType = (typeof exceptionTypes)[number];

export type RpcException = { readonly type: ExceptionType; readonly reason: string };

export class RpcError extends Error {
  readonly type: ExceptionType;

  constructor(type: ExceptionType, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = "RpcError";
    this.type = type;
  }

  get reason(): string {
    return this.message;
  }
}

/**
 * A peer broke the protocol: its session is ended with an Abort that carries this text. Never reaches a caller; they
 * see an RpcError of type disconnected.
 */
export class ProtocolError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "ProtocolError";
  }
}

/**
 * What a peer may learn of an error nobody mapped: nothing, unless it is about the peer's own message (a field that
 * cannot be read) or about the size of the one that would answer it.
 */
export function exceptionOf(error: unknown): RpcException {
  if (error instanceof RpcError) return error;
  if (error instanceof MessageError) return { type: "failed", reason: `${error.code}: ${error.message}` };
  return { type: "failed", reason: "internal" };
}

/**
 * For errors that are kept. V8 keeps the objects on which an error's frames ran until somebody asks for its stack, and what
 * keeps the error keeps them.
 */
export function forgetFrames(error: unknown): void {
  for (let each = error; each instanceof Error; each = each.cause) void each.stack;
}
