/** What is fuzzed: sessions set up in one way, with recordings of how they are used when nobody does harm. */
import type { RpcSession } from "../src/index.ts";
import type { FedStream } from "./fed-stream.ts";
import type { KnownMethod } from "./hostile-messages.ts";
import type { Op } from "./input.ts";

/** One session under test and all that belongs to it. Made anew for each run. */
export interface World {
  readonly stream: FedStream;
  readonly session: RpcSession;
  /** Bytes that what its own side did may have sent, whatever was fed. */
  readonly ownBytes: number;
  /** Something its own side does, of the target's `acts`; A and B choose what with. Never throws. */
  act(name: string, a: number, b: number): void;
  /** What its own side does for others comes to an end. The session is over. */
  endHandlers(): void;
  /** Throws Finding unless all calls of its own side have been settled. Handlers have ended, nothing was let go. */
  checkCalls(): void;
  /** Its own side lets go of all it holds. */
  letGo(): void;
  /** Throws Finding. The session is over, everything was let go and had its turn. */
  check(): void;
  /** What stands beside the session works and is as it was. Throws Finding. */
  checkBeside?(): Promise<void>;
}

export type Recording = {
  /** What the session went through: its peer's bytes, one message each, and what its own side did. */
  readonly ops: readonly Op[];
  /** The messages it sent. */
  readonly sent: readonly Uint8Array[];
};

export interface Target {
  readonly name: string;
  readonly variants: readonly string[];
  readonly acts: readonly string[];
  readonly methods: readonly KnownMethod[];
  /** Bytes the session may send for each byte it is fed, beside `World.ownBytes` and a constant. */
  readonly amplificationMax: number;
  open(variant: string): World;
  /** Those that stand first are used more often. */
  record(): Promise<readonly Recording[]>;
}
