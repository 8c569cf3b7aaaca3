/**
 * Capabilities in messages: turns those we pass into descriptors (counting exports) and the peer's descriptors into
 * capabilities (counting imports), and answers Release and Resolve.
 *
 * Of ours it never makes a senderPromise: a capability that is not there yet is exported as one that is and queues or
 * forwards its calls. So no Resolve is ever sent, and no peer needs a Disembargo for an export.
 */
import { Capability } from "./capability.ts";
import { type HeldCapabilities, noCapabilities, nullTarget, releaseAll } from "./call-results.ts";
import { ExportTable } from "./export-table.ts";
import { ImportTarget, PipelineTarget } from "./import-target.ts";
import { readCapTable, readDescriptor, readException } from "./incoming-messages.ts";
import { LocalTarget, targetOf } from "./local-target.ts";
import type { StructReader } from "./message/index.ts";
import { type Descriptor, release } from "./outgoing-messages.ts";
import { BrokenTarget } from "./pending-call.ts";
import { ProtocolError, RpcError } from "./rpc-error.ts";
import { payloadAt, releaseAt, resolveAt, resolveTag } from "./rpc-layout.ts";
import type { SessionLink } from "./session-link.ts";
import type { Peer, Target } from "./target.ts";

export type CapTablesStart = {
  readonly link: SessionLink;
  readonly peer: Peer;
  /** The capability at a path of an answer of ours; broken when there is no such answer. */
  readonly answerTarget: (questionId: number, path: readonly number[]) => Target;
};

export class CapTables {
  readonly exports: ExportTable;
  readonly #start: CapTablesStart;
  readonly #imports = new Map<number, ImportTarget>();

  constructor(start: CapTablesStart) {
    this.#start = start;
    this.exports = new ExportTable(start.link.limits.exportsMax);
  }

  get importsSize(): number {
    return this.#imports.size;
  }

  /**
   * Descriptors for the entries of a message about to be sent; those that are exports count one reference more. Throws,
   * with nothing counted, when a limit is met or an entry is not a capability.
   */
  describe(entries: readonly unknown[], kind: "call" | "return"): readonly Descriptor[] {
    const { capsPerMessageMax } = this.#start.link.limits;
    if (entries.length > capsPerMessageMax) {
      throw new RpcError("failed", `more than ${capsPerMessageMax} capabilities in one message`);
    }
    const descriptors: Descriptor[] = [];
    try {
      for (const entry of entries) descriptors.push(this.#describe(entry, kind));
    } catch (error) {
      this.releaseExports(exportsIn(descriptors));
      throw error;
    }
    return descriptors;
  }

  #describe(entry: unknown, kind: "call" | "return"): Descriptor {
    const target = targetOf(entry);
    if (target === undefined) return { kind: "none" };
    const { peer } = this.#start;
    if (target instanceof ImportTarget && target.peer === peer) return { kind: "receiverHosted", id: target.importId };
    // Only in a call: in a return the peer could answer it with a Disembargo for an answer that has changed since.
    if (kind === "call" && target instanceof PipelineTarget && target.peer === peer) {
      return { kind: "receiverAnswer", ...target.to };
    }
    if (target instanceof LocalTarget) target.reportTo(this.#start.link.report);
    return { kind: "senderHosted", id: this.exports.add(target) };
  }

  releaseExports(ids: readonly number[]): void {
    for (const id of ids) this.exports.release(id, 1);
  }

  /** The capabilities of a message that came, to be disposed by the caller. Throws ProtocolError. */
  adopt(payload: StructReader): HeldCapabilities {
    if (payload.isNull(payloadAt.capTable)) return noCapabilities; // most messages
    const table = readCapTable(payload);
    const { limits } = this.#start.link;
    if (table.length > limits.capsPerMessageMax) {
      throw new ProtocolError(`more than ${limits.capsPerMessageMax} capabilities in one message`);
    }
    const held: (Capability | undefined)[] = [];
    try {
      for (const descriptor of table) {
        const target = this.#adopt(descriptor);
        held.push(target === undefined ? undefined : new Capability(target));
      }
    } catch (error) {
      releaseAll(held);
      throw error;
    }
    return held;
  }

  #adopt(struct: StructReader): Target | undefined {
    const descriptor = readDescriptor(struct, this.#start.link.limits.pipelineDepthMax);
    switch (descriptor.kind) {
      case "none":
        return undefined;
      case "import":
        return this.#import(descriptor.id);
      case "promise": {
        const target = this.#import(descriptor.id);
        target.isPromise = true;
        return target;
      }
      case "export":
        return this.exports.get(descriptor.id);
      case "answer":
        return this.#start.answerTarget(descriptor.questionId, descriptor.path);
    }
  }

  #import(id: number): ImportTarget {
    let target = this.#imports.get(id);
    if (target === undefined) {
      const { importsMax } = this.#start.link.limits;
      if (this.#imports.size >= importsMax) throw new ProtocolError(`more than ${importsMax} capabilities sent`);
      target = new ImportTarget(this.#start.peer, id);
      this.#imports.set(id, target);
    }
    target.referencesOfPeer++;
    return target;
  }

  dropImport(target: ImportTarget): void {
    if (this.#imports.get(target.importId) !== target) return;
    this.#imports.delete(target.importId);
    this.#start.link.send(release(target.importId, target.referencesOfPeer));
  }

  onRelease(message: StructReader): void {
    this.exports.release(message.getUint32(releaseAt.id), message.getUint32(releaseAt.referenceCount));
  }

  onResolve(message: StructReader): void {
    const id = message.getUint32(resolveAt.promiseId);
    const promise = this.#imports.get(id);
    if (promise !== undefined && (!promise.isPromise || promise.isSettled)) {
      throw new ProtocolError(`import ${id} is not a promise that could be resolved`);
    }
    const target = this.#resolution(message);
    // Retained by a handle meanwhile: when the promise is gone already, the reference just received goes back.
    const held = target === undefined ? undefined : new Capability(target);
    promise?.settle(target ?? nullTarget);
    releaseAll([held]);
  }

  #resolution(message: StructReader): Target | undefined {
    switch (message.getUint16(resolveAt.tag)) {
      case resolveTag.cap:
        return this.#adopt(message.getStruct(resolveAt.body));
      case resolveTag.exception:
        return new BrokenTarget(readException(message.getStruct(resolveAt.body)));
      default:
        throw new ProtocolError("a Resolve of an unknown kind");
    }
  }

  /** The session is over. Imports stay with their holders; calls on them fail. */
  clear(): void {
    this.#imports.clear();
    this.exports.clear();
  }
}

/** Ids of the exports a message counts references of. */
export function exportsIn(descriptors: readonly Descriptor[]): readonly number[] {
  const ids: number[] = [];
  for (const descriptor of descriptors) if (descriptor.kind === "senderHosted") ids.push(descriptor.id);
  return ids;
}
