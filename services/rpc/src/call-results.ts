/** The results of one call, held by who got them: their content and the capabilities in them, until disposed. */
import { Capability } from "./capability.ts";
import type { PointerReader } from "./message/index.ts";
import { BrokenTarget } from "./pending-call.ts";
import { RpcError } from "./rpc-error.ts";
import type { Target } from "./target.ts";

/** Entries of a message's capability table once it is read: null entries are undefined. */
export type HeldCapabilities = readonly (Capability | undefined)[];

export class CallResults implements Disposable {
  /** What the method's results struct is read from. */
  readonly content: PointerReader;
  readonly #capabilities: HeldCapabilities;

  /** `capabilities` are those the content's message refers to; they are owned from now on. */
  constructor(content: PointerReader, capabilities: HeldCapabilities) {
    this.content = content;
    this.#capabilities = capabilities;
  }

  /** Where calls pipelined on `path` go. Never throws: a path that leads to no capability gives a broken one. */
  targetAt(path: readonly number[]): Target {
    let capability: unknown;
    try {
      let pointer = this.content;
      for (const index of path) pointer = pointer.asStructRaw().getPointer(index);
      capability = pointer.capability();
    } catch (cause) {
      return new BrokenTarget(new RpcError("failed", "what was called is not a capability", { cause }));
    }
    return capability instanceof Capability ? Capability.targetOf(capability) : nullTarget;
  }

  [Symbol.dispose](): void {
    releaseAll(this.#capabilities);
  }
}

export const nullTarget = new BrokenTarget(new RpcError("failed", "a null capability was called"));

export const noCapabilities: HeldCapabilities = [];

export function releaseAll(capabilities: HeldCapabilities): void {
  for (const capability of capabilities) capability?.[Symbol.dispose]();
}
